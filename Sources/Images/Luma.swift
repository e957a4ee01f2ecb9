/// Arithmetic of 8-bit colours in whole numbers, the same on every machine.
enum Luma {
    /// ITU-R BT.601 luma of three values 0…255, rounded.
    static func of(_ red: Int, _ green: Int, _ blue: Int) -> UInt8 {
        UInt8((red &* 19595 &+ green &* 38470 &+ blue &* 7471 &+ 0x8000) >> 16)
    }

    /// a · b / 255, rounded, for values 0…255.
    static func product(_ a: Int, _ b: Int) -> Int { (a &* b &+ 127) / 255 }

    /// `colour` with weight `alpha` over `background`, rounded.
    static func blend(_ colour: UInt8, alpha: Int, over background: Int) -> Int {
        (Int(colour) &* alpha &+ background &* (255 &- alpha) &+ 127) / 255
    }
}

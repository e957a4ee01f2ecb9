// What libFuzzer's own main calls. Built only with SIPAT_FUZZ=1 and --sanitize=fuzzer: see Scripts/fuzz.
import Foundation
import FuzzTargets

/// An environment variable names it, since libFuzzer starts itself again with arguments of its own.
private let target: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["SIPAT_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        print("SIPAT_FUZZ_TARGET is \"\(name)\", expected one of \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
        exit(64)
    }
    return target
}()

@_cdecl("LLVMFuzzerTestOneInput") func testOneInput(_ data: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    target.run(UnsafeRawBufferPointer(start: data, count: count))
    return 0
}

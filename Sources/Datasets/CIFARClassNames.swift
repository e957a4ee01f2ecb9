/// The official class names, in the order of the labels, for when the file of names is missing.
enum CIFARClassNames {
    static let cifar10 = words("airplane automobile bird cat deer dog frog horse ship truck")

    static let cifar100 = words(
        """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle \
        caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant \
        flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man \
        maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree \
        plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail \
        snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout \
        tulip turtle wardrobe whale willow_tree wolf woman worm
        """)

    private static func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
}

namespace ModNet

module internal NetworkCodec =

    /// Every field is written, defaults too, so a file says all that it means.
    let network: Codec<Network> =
        Codec.object (
            Codec.fields {
                let! name = Codec.field "name" (fun (network: Network) -> network.Name) Codec.string
                and! layers = Codec.field "layers" _.Layers (Codec.list Kind.codec)
                return { Network.Name = name; Layers = layers }
            }
        )

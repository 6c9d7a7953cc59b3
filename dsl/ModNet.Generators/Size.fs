namespace ModNet.Generators

open ModNet

/// How large a network is to read: the weights of its layers' kinds, and all their settings.
[<RequireQualifiedAccess>]
module internal Size =

    let ofChain (layers: Layer list) = List.sumBy Kind.codec.Size layers

    let ofNetwork (network: Network) = ofChain network.Layers

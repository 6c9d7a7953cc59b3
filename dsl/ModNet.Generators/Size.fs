namespace ModNet.Generators

open ModNet

/// How large a network is to read: the weights of its layers' kinds, and all their settings.
[<RequireQualifiedAccess>]
module internal Size =

    let ofNetwork (network: Network) = List.sumBy Kind.codec.Size network.Layers

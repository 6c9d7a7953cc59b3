namespace ModNet.Generators

open ModNet

/// A sound network with one fault planted in it.
type Planted = {
    /// The broken network.
    Network: Network
    Fault: Fault
    /// Where `check` must find the fault, and find no other: `net/residual1/modular2/choose`.
    Place: string
    /// The network as it was before.
    Sound: Network
} with

    /// The fault, its place, and the broken network.
    override planted.ToString() = $"{planted.Fault.Id} at {planted.Place} in\n%A{planted.Network.Layers}"

/// A fault that may be planted; the network is made when it is wanted.
type internal Plant = {
    Fault: Fault
    /// Below the network's name.
    Place: string
    Make: unit -> Network
}

[<AutoOpen>]
module internal Plants =

    /// The fault in the network that the function gives, found at this place.
    let plant fault place make = { Fault = fault; Place = place; Make = make }

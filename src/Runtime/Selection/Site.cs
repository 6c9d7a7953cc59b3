namespace ModNet.Runtime;

/// <summary>One place where a choice is made: a modular layer, of a sequence at a time step.</summary>
/// <param name="Layer">Name of the modular layer.</param>
/// <param name="Time">Time step, 0 for a layer without time.</param>
/// <param name="Offset">Where this site's K choices begin in the datapoint's composition over all sites; −1 for given choices, which are in none.</param>
/// <param name="Choose">K.</param>
/// <param name="Modules">M.</param>
public sealed record Site(string Layer, int Time, int Offset, int Choose, int Modules);

namespace ModNet.Runtime;

/// <summary>The guard of every modular node that is built by hand (the DSL's check reports the same before).</summary>
internal static class PoolMismatch
{
    internal static void Check(string layer, Controller controller, ModulePool pool)
    {
        if (controller.Modules != pool.Count)
        {
            throw new ArgumentException(
                $"{layer}: expected a controller over the {pool.Count} modules of pool {pool.Name}, "
                + $"got one over {controller.Modules} – build it with the pool's count");
        }
    }
}

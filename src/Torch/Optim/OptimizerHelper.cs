using TorchSharp.Utils;

namespace TorchSharp.Modules;

/// <summary>What the optimizers share: groups, states, and their saving.</summary>
public abstract class OptimizerHelper : torch.optim.Optimizer
{
    protected OptimizerOptions? _defaults;
    protected OrderedDict<IntPtr, OptimizerState> _state = [];

    /// <summary>The live options and states, in the order of the parameters.</summary>
    public virtual StateDictionary state_dict()
    {
        var dictionary = new StateDictionary();
        foreach (var group in _parameter_groups)
        {
            dictionary.Options.Add(group.Options!);
            foreach (var parameter in group.Parameters)
                dictionary.State.Add(_state[parameter.Handle]);
        }
        return dictionary;
    }

    public virtual void load_state_dict(StateDictionary state_dict)
    {
        var mine = this.state_dict();
        Compare(state_dict.Options.Count, state_dict.State.Count, mine);
        for (var i = 0; i < mine.Options.Count; i++)
            if (!ReferenceEquals(mine.Options[i], state_dict.Options[i]))
                mine.Options[i].LoadStateDict(state_dict.Options[i]);
        for (var i = 0; i < mine.State.Count; i++)
            if (!ReferenceEquals(mine.State[i], state_dict.State[i]))
                mine.State[i].LoadStateDict(state_dict.State[i]);
    }

    public void save_state_dict(string location)
    {
        using var writer = new BinaryWriter(File.Create(location));
        save_state_dict(writer);
    }

    public void load_state_dict(string location)
    {
        using var reader = new BinaryReader(File.OpenRead(location));
        load_state_dict(reader);
    }

    public void save_state_dict(BinaryWriter writer)
    {
        writer.Write(GetType().Name);
        var mine = state_dict();
        writer.Encode(mine.Options.Count);
        writer.Encode(mine.State.Count);
        foreach (var options in mine.Options)
            options.SaveStateDict(writer);
        foreach (var state in mine.State)
            state.SaveStateDict(writer);
    }

    public void load_state_dict(BinaryReader reader)
    {
        var name = reader.ReadString();
        if (name != GetType().Name)
            throw new InvalidDataException($"Mismatched optimizer type: expected '{GetType().Name}', but found '{name}' in the loaded stream.");
        var mine = state_dict();
        Compare(reader.Decode(), reader.Decode(), mine);
        foreach (var options in mine.Options)
            options.LoadStateDict(reader);
        foreach (var state in mine.State)
            state.LoadStateDict(reader);
    }

    public void to(torch.Device device)
    {
        foreach (var (_, state) in _state)
            state.to(device);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        foreach (var (_, state) in _state)
            (state as IDisposable)?.Dispose();
        _state.Clear();
    }

    /// <summary>Runs the closure, then the body for every group, unrecorded and in a dispose scope.</summary>
    protected torch.Tensor? _step<T>(Action<T> body, Func<torch.Tensor>? loss_closure = null) where T : ParamGroup
    {
        torch.Tensor? loss = null;
        if (loss_closure is not null)
            using (torch.enable_grad())
                loss = loss_closure();
        using (torch.no_grad())
        using (torch.NewDisposeScope())
            foreach (var group in _parameter_groups)
                body((T)group);
        return loss;
    }

    private static void Compare(long options, long states, StateDictionary mine)
    {
        if (options != mine.Options.Count)
            throw new ArgumentException("Invalid optimizer state -- different number of parameter groups.");
        if (states != mine.State.Count)
            throw new ArgumentException("Invalid optimizer state -- different number of states.");
    }
}

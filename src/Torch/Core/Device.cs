namespace TorchSharp;

public static partial class torch
{
    /// <summary>A device type and an index; index −1 is the current device of that type.</summary>
    public class Device
    {
        public DeviceType type { get; private init; }

        public int index { get; private init; }

        public Device(DeviceType type, int index = -1)
        {
            this.type = type;
            this.index = index;
        }

        /// <summary>A device from its type's name and an index.</summary>
        public Device(string type, int index)
        {
            this.type = Parse(type);
            this.index = index;
        }

        /// <summary>A device from text: "cpu", "cuda", "cuda:1".</summary>
        public Device(string description)
        {
            var parts = description.Split(':');
            type = Parse(parts[0]);
            index = parts.Length switch
            {
                1 => -1,
                2 when int.TryParse(parts[1], out var i) && i >= 0 => i,
                _ => throw new ArgumentException($"Device '{description}' – expected type or type:index, such as cpu or cuda:0."),
            };
        }

        /// <summary>A CUDA device.</summary>
        public Device(int index) : this(DeviceType.CUDA, index)
        {
        }

        public static implicit operator Device(string description) => new(description);

        private static DeviceType Parse(string name) => name.ToLowerInvariant() switch
        {
            "cpu" => DeviceType.CPU,
            "cuda" => DeviceType.CUDA,
            "meta" => DeviceType.META,
            "mps" => DeviceType.MPS,
            _ => throw new ArgumentException($"Unknown device type '{name}' – expected cpu, cuda, mps or meta."),
        };

        public override bool Equals(object? obj) => obj is Device d && d.type == type && d.index == index;

        public override int GetHashCode() => HashCode.Combine(type, index);

        public override string ToString()
        {
            var name = type.ToString().ToLowerInvariant();
            return index < 0 ? name : $"{name}:{index}";
        }
    }

    public static Device CPU { get; } = new(DeviceType.CPU);

    public static Device CUDA { get; } = new(DeviceType.CUDA);

    public static Device META { get; } = new(DeviceType.META);

    public static Device MPS { get; } = new(DeviceType.MPS);

    public static Device device(string description) => new(description);

    public static Device device(string type, int index = -1) => new(type, index);

    public static Device device(DeviceType type, int index = -1) => new(type, index);

    public static Device device(int index) => new(DeviceType.CUDA, index);

    private static Device defaultDevice = CPU;

    public static Device get_default_device() => defaultDevice;

    public static void set_default_device(Device device) => defaultDevice = device;

    internal static Device InitializeDevice(Device? device) => device ?? get_default_device();
}

namespace TorchSharp;

/// <summary>The name under which a field is registered, when it is not the field's own.</summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class ComponentNameAttribute : Attribute
{
    public string? Name { get; set; }
}

/// <summary>Moving and converting modules in fluent style.</summary>
public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => Moved(module, type, null);
    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module => Moved(module, type, device);
    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module => Moved(module, null, device);
    public static T to<T>(this T module, string device, bool non_blocking = false) where T : torch.nn.Module => Moved(module, null, new torch.Device(device));
    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, null, new torch.Device(deviceType, deviceIndex));
    public static T to<T>(this T module, torch.Tensor other, bool non_blocking = false) where T : torch.nn.Module => Moved(module, other.dtype, other.device);
    public static T cpu<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => Moved(module, null, torch.CPU);
    public static T cuda<T>(this T module, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module =>
        Moved(module, null, new torch.Device(DeviceType.CUDA, deviceIndex));

    private static T Moved<T>(T module, torch.ScalarType? type, torch.Device? device) where T : torch.nn.Module
    {
        module.Move(type, device);
        return module;
    }
}

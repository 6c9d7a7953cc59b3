module internal ModNet.Placeholder

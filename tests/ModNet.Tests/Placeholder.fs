module ModNet.Tests.Placeholder

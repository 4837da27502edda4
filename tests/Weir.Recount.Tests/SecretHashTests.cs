using Weir.Core;

namespace Weir.Recount.Tests;

/// <summary>Owners in a base were hashed by the engine, so both have to hash alike.</summary>
public sealed class SecretHashTests
{
    [Fact]
    public void Hashes_and_prints_are_those_of_the_other_implementation_at_every_length()
    {
        var random = new Random(1);
        var secret = new byte[16];
        for (int length = 0; length < 300; length++)
        {
            random.NextBytes(secret);
            var bytes = new byte[length];
            random.NextBytes(bytes);
            var hash = new SecretHash(secret);
            Assert.Equal(KeyedHash.FromBytes(secret).Hash(bytes), hash.Of(bytes));
            Assert.Equal(KeyedHash.FromBytes(secret).Fingerprint(bytes), hash.Print24(bytes));
        }
    }
}

import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("Hashes of the system's library")
struct SystemMessageAuthenticatorTests {
  @Test("digests are those of the standard (FIPS 180-4)")
  func digests() throws {
    let authenticator = try SystemMessageAuthenticator()
    let message = Array("abc".utf8)
    #expect(
      Hex.text(of: authenticator.digest(.sha256, of: message))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(Hex.text(of: authenticator.digest(.sha1, of: message)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(Hex.text(of: authenticator.digest(.sha1, of: [])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
  }

  @Test("keyed hashes are those of the standards (RFC 2202, RFC 4231), also with an empty key")
  func keyedHashes() throws {
    let authenticator = try SystemMessageAuthenticator()
    let message = Array("what do ya want for nothing?".utf8)
    let key = Array("Jefe".utf8)
    for _ in 0..<3 {
      #expect(
        Hex.text(of: authenticator.authenticationCode(.sha256, of: message, key: key))
          == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
      #expect(
        Hex.text(of: authenticator.authenticationCode(.sha1, of: message, key: key))
          == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
      #expect(
        Hex.text(of: authenticator.authenticationCode(.sha256, of: [], key: []))
          == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }
  }

  @Test("the same as hashes in plain Swift, for any length, from several threads at once")
  func agreement() async throws {
    let authenticator = try SystemMessageAuthenticator()
    let reference = SwiftMessageAuthenticator()
    await withTaskGroup { group in
      for seed in 0..<8 {
        group.addTask {
          for length in stride(from: seed, to: 400, by: 8) {
            let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + seed) }
            let key = Array(message.prefix(seed * 20))
            for algorithm in [HashAlgorithm.sha256, .sha1] {
              #expect(authenticator.digest(algorithm, of: message) == reference.digest(algorithm, of: message))
              #expect(
                authenticator.authenticationCode(algorithm, of: message, key: key)
                  == reference.authenticationCode(algorithm, of: message, key: key))
            }
          }
        }
      }
    }
  }

  @Test("many keys at once are all right")
  func manyKeys() throws {
    let authenticator = try SystemMessageAuthenticator()
    let reference = SwiftMessageAuthenticator()
    for _ in 0..<2 {
      for number in UInt8(0)..<100 {
        #expect(
          authenticator.authenticationCode(.sha256, of: [1], key: [number])
            == reference.authenticationCode(.sha256, of: [1], key: [number]))
      }
    }
  }

  @Test("equal means the same bytes and the same length")
  func equality() throws {
    let authenticator = try SystemMessageAuthenticator()
    #expect(authenticator.areEqual([], []))
    #expect(authenticator.areEqual([1, 2], [1, 2]))
    #expect(!authenticator.areEqual([1, 2], [1, 3]))
    #expect(!authenticator.areEqual([1, 2], [1, 2, 3]))
    #expect(!authenticator.areEqual([], [0]))
  }
}

import CCrypto
import Synchronization
package import ValueStreamCore

/// Hashes and keyed hashes of OpenSSL's libcrypto, which uses the processor's SHA instructions.
package final class SystemMessageAuthenticator: MessageAuthenticator {
  private let sha256: Digest
  private let sha1: Digest
  private let contexts: Mutex<[KeyedContext]>

  /// Keys are configured secrets, so there are few; more than this are set up anew each time.
  private static let contextLimit = 32

  /// - Throws: when libcrypto has no HMAC, SHA-256 or SHA-1 (a provider that allows no SHA-1).
  package init() throws(IntakeError) {
    sha256 = try Digest("SHA256")
    sha1 = try Digest("SHA1")
    contexts = Mutex([])
    for algorithm in [HashAlgorithm.sha256, .sha1] {
      guard KeyedContext(algorithm, key: [0]) != nil else { throw IntakeError("libcrypto offers no HMAC") }
    }
  }

  package func digest(_ algorithm: HashAlgorithm, of message: [UInt8]) -> [UInt8] {
    (algorithm == .sha256 ? sha256 : sha1).hash(of: message)
  }

  package func authenticationCode(_ algorithm: HashAlgorithm, of message: [UInt8], key: [UInt8]) -> [UInt8] {
    // Setting up a key costs more than hashing a small body, so a context is kept for each.
    let kept = contexts.withLock { contexts -> KeyedContext? in
      guard let index = contexts.firstIndex(where: { $0.algorithm == algorithm && $0.key == key }) else { return nil }
      return contexts.remove(at: index)
    }
    guard let context = kept ?? KeyedContext(algorithm, key: key) else { return [] }
    let code = context.code(of: message)
    contexts.withLock { contexts in
      if contexts.count < Self.contextLimit { contexts.append(context) }
    }
    return code
  }

  package func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count, !left.isEmpty else { return left.count == right.count }
    return left.withUnsafeBytes { left in
      right.withUnsafeBytes { right in CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0 }
    }
  }
}

/// A hash function, looked up once: the look-up costs as much as hashing a small message.
///
/// Unchecked: libcrypto's EVP_MD is immutable and reference-counted with atomics.
private final class Digest: @unchecked Sendable {
  private let function: OpaquePointer
  private let size: Int

  init(_ name: String) throws(IntakeError) {
    guard let function = EVP_MD_fetch(nil, name, nil) else { throw IntakeError("libcrypto offers no \(name)") }
    self.function = function
    size = Int(EVP_MD_get_size(function))
  }

  deinit {
    EVP_MD_free(function)
  }

  func hash(of message: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      let isHashed = message.withUnsafeBytes { EVP_Digest($0.baseAddress, $0.count, buffer.baseAddress, nil, function, nil) }
      count = isHashed == 1 ? size : 0
    }
  }
}

/// HMAC with a key that is set up.
///
/// Unchecked: a context is used by one thread at a time, which takes it out of the list and puts it back.
private final class KeyedContext: @unchecked Sendable {
  let algorithm: HashAlgorithm
  let key: [UInt8]
  private let context: OpaquePointer
  private let size: Int

  init?(_ algorithm: HashAlgorithm, key: [UInt8]) {
    guard let function = EVP_MAC_fetch(nil, "HMAC", nil) else { return nil }
    defer { EVP_MAC_free(function) }
    guard let context = EVP_MAC_CTX_new(function) else { return nil }
    self.algorithm = algorithm
    self.key = key
    self.context = context
    size = algorithm == .sha256 ? 32 : 20
    // A null key means the one from before, so even an empty key needs an address.
    let isSet = (key + [0]).withUnsafeBufferPointer {
      vs_hmac_set_key(context, algorithm == .sha256 ? "SHA256" : "SHA1", $0.baseAddress, key.count)
    }
    if isSet != 1 { return nil }
  }

  deinit {
    EVP_MAC_CTX_free(context)
  }

  func code(of message: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      var written = 0
      let isDone =
        EVP_MAC_init(context, nil, 0, nil) == 1
        && message.withUnsafeBufferPointer { EVP_MAC_update(context, $0.baseAddress, $0.count) == 1 }
        && EVP_MAC_final(context, buffer.baseAddress, &written, size) == 1
      count = isDone ? written : 0
    }
  }
}

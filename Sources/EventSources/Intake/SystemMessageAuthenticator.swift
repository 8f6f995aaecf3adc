import CCrypto
package import ValueStreamCore

/// Hashes and HMACs from OpenSSL's libcrypto, which uses the SHA instructions of the processor.
package struct SystemMessageAuthenticator: MessageAuthenticator {
  /// Checks that the required algorithms are available.
  ///
  /// - Throws: ``IntakeError`` if libcrypto has no HMAC, SHA-256 or SHA-1. Some providers disable SHA-1.
  package init() throws(IntakeError) {
    for algorithm in [HashAlgorithm.sha256, .sha1] {
      if digest(algorithm, of: []).isEmpty { throw IntakeError("libcrypto offers no \(algorithm.name)") }
      if authenticationCode(algorithm, of: [], key: [0]).isEmpty { throw IntakeError("libcrypto offers no HMAC") }
    }
  }

  package func digest(_ algorithm: HashAlgorithm, of message: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: algorithm.size) { buffer, count in
      let isHashed = message.withUnsafeBytes {
        EVP_Q_digest(nil, algorithm.name, nil, $0.baseAddress, $0.count, buffer.baseAddress, nil)
      }
      count = isHashed == 1 ? algorithm.size : 0
    }
  }

  package func authenticationCode(_ algorithm: HashAlgorithm, of message: [UInt8], key: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: algorithm.size) { buffer, count in
      let code = key.withUnsafeBytes { key in
        message.withUnsafeBufferPointer { message in
          HMAC(
            algorithm.function, key.baseAddress, Int32(clamping: key.count), message.baseAddress, message.count,
            buffer.baseAddress, nil)
        }
      }
      count = code == nil ? 0 : algorithm.size
    }
  }

  package func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count, !left.isEmpty else { return left.count == right.count }
    return left.withUnsafeBytes { left in
      right.withUnsafeBytes { right in CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0 }
    }
  }
}

extension HashAlgorithm {
  fileprivate var name: String { self == .sha256 ? "SHA256" : "SHA1" }
  fileprivate var size: Int { self == .sha256 ? 32 : 20 }
  fileprivate var function: OpaquePointer? { self == .sha256 ? EVP_sha256() : EVP_sha1() }
}

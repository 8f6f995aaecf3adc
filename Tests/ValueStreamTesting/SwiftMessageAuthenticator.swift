package import ValueStreamCore

/// HMAC (RFC 2104) in plain Swift, independent of the library that the daemon uses.
package struct SwiftMessageAuthenticator: MessageAuthenticator {
  package init() {}

  package func digest(_ algorithm: HashAlgorithm, of message: [UInt8]) -> [UInt8] {
    switch algorithm {
    case .sha256: message.withUnsafeBufferPointer { SHA256.hash(of: $0).bytes }
    case .sha1: SHA1.hash(of: message)
    }
  }

  package func authenticationCode(_ algorithm: HashAlgorithm, of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var block = key.count > 64 ? digest(algorithm, of: key) : key
    block += Array(repeating: 0, count: 64 - block.count)
    let inner = digest(algorithm, of: block.map { $0 ^ 0x36 } + message)
    return digest(algorithm, of: block.map { $0 ^ 0x5c } + inner)
  }

  package func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left == right
  }
}

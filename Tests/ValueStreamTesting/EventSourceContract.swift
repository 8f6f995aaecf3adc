import Foundation
import Testing
package import ValueStreamCore

/// Checks what every event source must do with any input.
package struct EventSourceContract: Sendable {
  package var source: any EventSource
  /// The same source with secrets, for the checks of signatures.
  package var signedSource: any EventSource
  /// An unsigned delivery that the source understands.
  package var sample: Delivery
  /// Returns the headers with which a sender that has the first secret signs a body.
  package var sign: @Sendable ([UInt8]) -> [(name: String, value: String)]

  package init(
    source: any EventSource, signedSource: any EventSource, sample: Delivery,
    sign: @escaping @Sendable ([UInt8]) -> [(name: String, value: String)]
  ) {
    self.source = source
    self.signedSource = signedSource
    self.sample = sample
    self.sign = sign
  }

  // MARK: Signatures

  package func checkSignatures() {
    let authenticator = SwiftMessageAuthenticator()
    let signed = signed(sample)
    #expect(throws: Never.self) { try signedSource.authenticate(signed, using: authenticator) }
    #expect(throws: AuthenticationError.self, "a missing signature") {
      try signedSource.authenticate(sample, using: authenticator)
    }
    for index in stride(from: 0, to: sample.body.count, by: max(1, sample.body.count / 200)) {
      var changed = signed
      changed.body[index] ^= 1
      #expect(throws: AuthenticationError.self, "byte \(index) changed") {
        try signedSource.authenticate(changed, using: authenticator)
      }
    }
    for (name, value) in sign(sample.body) {
      for broken in ["", "x", String(value.dropLast()), value + "0", String(value.reversed()), "sha256=", "sha1=00"] {
        var changed = signed
        changed.headers[name] = broken
        #expect(throws: AuthenticationError.self, "\(name): \(broken)") {
          try signedSource.authenticate(changed, using: authenticator)
        }
      }
    }
    #expect(throws: Never.self, "without a secret all are believed") {
      try source.authenticate(sample, using: authenticator)
    }
    #expect(source.acceptsUnsigned)
    #expect(!signedSource.acceptsUnsigned)
  }

  private func signed(_ delivery: Delivery) -> Delivery {
    var signed = delivery
    for (name, value) in sign(delivery.body) { signed.headers[name] = value }
    return signed
  }

  // MARK: Reading

  /// Checks everything except signatures.
  ///
  /// Those work the same for all samples of a source, so one sample is enough for them.
  package func checkReading() throws {
    try checkKeptHeaders()
    try checkDeterminism()
    try checkKeys()
    checkTruncation()
    checkGarbage()
    try checkTypeSwaps()
  }

  /// The headers kept in the log must be enough to read the delivery again, and must not contain secrets.
  private func checkKeptHeaders() throws {
    var kept = sample
    kept.headers = sample.headers.keeping(source.keptHeaders)
    #expect(try source.events(in: kept) == source.events(in: sample))
    #expect(source.deliveryID(of: kept) == source.deliveryID(of: sample))
    let secret = ["authorization", "x-gitlab-token", "x-hub-signature-256", "x-hub-signature", "cookie"]
    #expect(source.keptHeaders.allSatisfy { !secret.contains($0.lowercased()) })
  }

  // MARK: Bad input

  /// The source must reject every truncated body with an error, and must not read it as another payload.
  private func checkTruncation() {
    // Only white space follows the last brace. Without it the payload is still complete.
    let end = sample.body.lastIndex(of: UInt8(ascii: "}")) ?? 0
    for count in stride(from: 0, through: end, by: max(1, end / 300)) {
      var cut = sample
      cut.body = Array(sample.body.prefix(count))
      #expect(throws: PayloadError.self, "cut to \(count) bytes") { try source.events(in: cut) }
    }
  }

  /// Removes each member of the sample and replaces it with values of every type, one at a time. The source must read the
  /// delivery or reject it with an error that names a place in the payload.
  private func checkTypeSwaps() throws {
    let document = try JSONSerialization.jsonObject(with: Data(sample.body), options: [.fragmentsAllowed])
    var refused = 0
    for path in Self.paths(in: document) {
      for replacement in Self.replacements {
        let changed = Self.replacing(path[...], in: document, with: replacement)
        var delivery = sample
        delivery.body = Array(try JSONSerialization.data(withJSONObject: changed, options: [.fragmentsAllowed]))
        do {
          _ = try source.events(in: delivery)
        } catch {
          refused += 1
          #expect(!error.path.isEmpty && error.path.hasPrefix("$"), "\(path): \(error)")
          #expect(!error.reason.isEmpty)
        }
      }
    }
    #expect(refused > 0, "nothing identifies the thing")
  }

  /// Checks bodies that are not payloads of the source at all.
  private func checkGarbage() {
    let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
    let bodies: [[UInt8]] = [
      [], Array(" \n ".utf8), Array("null".utf8), Array("[]".utf8), Array("{}".utf8), Array("{\"a\":".utf8), Array(deep.utf8),
      Array("{\"id\":1e999}".utf8), Array("{\"id\":123456789012345678901234567890}".utf8), [0xFF, 0xFE, 0x00],
      Array("{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8), Array("payload=%7B".utf8), Array("<xml/>".utf8),
      [UInt8](repeating: 0, count: 100),
    ]
    for body in bodies {
      var delivery = sample
      delivery.body = body
      #expect(throws: PayloadError.self, "\(String(decoding: body.prefix(40), as: UTF8.self))") {
        try source.events(in: delivery)
      }
    }
  }

  /// Reading the same delivery twice must give the same result.
  private func checkDeterminism() throws {
    #expect(try source.events(in: sample) == source.events(in: sample))
  }

  /// The keys of all subjects must name the source: the label `source` of metrics and the source of spans come from there.
  private func checkKeys() throws {
    guard case .events(let events, _) = try source.events(in: sample) else { return }
    for event in events { #expect(event.key.source == source.name, "\(event.key)") }
  }

  private static var replacements: [Any?] {
    [
      nil, NSNull(), true, -1, 0, 4.5, 1e300, "", "text", "2020-13-45T99:99:99Z", [] as [Any], [1, "a"] as [Any],
      [:] as [String: Any], ["id": "x"],
    ]
  }

  /// Returns the paths of all members. In a list, only the first element counts, for all of them.
  private static func paths(in value: Any, prefix: [String] = []) -> [[String]] {
    if let first = (value as? [Any])?.first {
      return [prefix + ["0"]] + paths(in: first, prefix: prefix + ["0"])
    }
    if let object = value as? [String: Any] {
      return object.keys.sorted().flatMap { key in
        [prefix + [key]] + paths(in: object[key] ?? NSNull(), prefix: prefix + [key])
      }
    }
    return []
  }

  private static func replacing(_ path: ArraySlice<String>, in value: Any, with replacement: Any?) -> Any {
    if path.first != nil, let list = value as? [Any], let first = list.first {
      return [replacing(path.dropFirst(), in: first, with: replacement)] + list.dropFirst()
    }
    guard let key = path.first, var object = value as? [String: Any] else { return replacement ?? NSNull() }
    if path.count == 1 {
      object[key] = replacement
    } else {
      object[key] = replacing(path.dropFirst(), in: object[key] ?? NSNull(), with: replacement)
    }
    return object
  }
}

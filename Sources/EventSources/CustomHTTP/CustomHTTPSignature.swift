import PayloadReading

/// Checks `X-VS-Signature: <hex>`, the HMAC-SHA256 of the body. The prefix `sha256=` is optional.
enum CustomHTTPSignature {
  static let check = SignatureCheck(header: "X-VS-Signature", prefix: "sha256=", isPrefixOptional: true)
}

import PayloadReading

/// `X-VS-Signature: <hex>`, HMAC-SHA256 of the body; `sha256=` may stand before it.
enum CustomHTTPSignature {
  static let check = SignatureCheck(header: "X-VS-Signature", prefix: "sha256=", isPrefixOptional: true)
}

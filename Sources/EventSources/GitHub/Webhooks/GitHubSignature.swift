import PayloadReading

/// `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 of the body as sent (of the form, where the hook sends one).
///
/// Source: GitHub Docs, "Validating webhook deliveries". The older `X-Hub-Signature` (SHA-1) is not looked at.
enum GitHubSignature {
  static let check = SignatureCheck(header: "X-Hub-Signature-256", prefix: "sha256=")
}

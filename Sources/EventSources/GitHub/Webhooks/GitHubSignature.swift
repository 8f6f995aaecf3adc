import PayloadReading

/// Checks `X-Hub-Signature-256: sha256=<hex>`, the HMAC-SHA256 of the body as sent. For hooks that send a form, this
/// is the form.
///
/// Source: GitHub Docs, "Validating webhook deliveries". The older `X-Hub-Signature` (SHA-1) is ignored.
enum GitHubSignature {
  static let check = SignatureCheck(header: "X-Hub-Signature-256", prefix: "sha256=")
}

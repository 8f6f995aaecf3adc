/// Why a vendor's API gave no answer that is of use.
package struct APIError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The token is missing, wrong or over.
    case unauthorized
    /// The token is right, and may not do this.
    case forbidden
    case notFound
    /// Too much was asked for; `retryAfterSeconds` says when to ask again, where the vendor does.
    case limited
    /// No answer, or an error of the vendor; asking again may help.
    case unavailable
    /// Something else is wrong with the request.
    case refused
    /// An answer that cannot be read.
    case malformed
    case cancelled
  }

  package var code: Code
  /// One line for the user, without any secret.
  package var description: String
  package var retryAfterSeconds: Double?

  package init(_ code: Code, _ description: String, retryAfterSeconds: Double? = nil) {
    self.code = code
    self.description = description
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// True where only this container is concerned, and others may still be read.
  package var concernsContainerOnly: Bool { code == .notFound || code == .forbidden }
}

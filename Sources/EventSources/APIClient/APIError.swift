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
    /// Nobody there ever answered.
    case unreachable
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

  /// What else cannot be read for the same reason.
  package enum Concern: Sendable, Hashable {
    /// Nothing but the container that was asked for.
    case container
    case everything
    /// Only others can tell.
    case unclear
  }

  package var concern: Concern {
    switch code {
    case .notFound, .forbidden: .container
    case .unauthorized, .limited, .unreachable, .cancelled: .everything
    case .unavailable, .refused, .malformed: .unclear
    }
  }
}

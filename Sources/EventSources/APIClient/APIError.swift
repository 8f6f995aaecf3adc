/// The reason why a request to a vendor's API failed.
package struct APIError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The token is missing, wrong or expired.
    case unauthorized
    /// The token is valid, but lacks the permission.
    case forbidden
    case notFound
    /// A rate limit is used up. `retryAfterSeconds` says when to retry, if the vendor does.
    case limited
    /// There was no response, or a server error. A retry may help.
    case unavailable
    /// The server never responded.
    case unreachable
    /// The request failed for another reason.
    case refused
    /// The response cannot be parsed.
    case malformed
    case cancelled
  }

  package var code: Code
  /// One line for the user, without secrets.
  package var description: String
  package var retryAfterSeconds: Double?
  /// Where the requested resource is now, if the vendor redirects to it.
  package var location: String?

  package init(_ code: Code, _ description: String, retryAfterSeconds: Double? = nil, location: String? = nil) {
    self.code = code
    self.description = description
    self.retryAfterSeconds = retryAfterSeconds
    self.location = location
  }

  /// The scope of an error: the requests that fail for the same reason.
  package enum Concern: Sendable, Hashable {
    /// Only requests for the same container.
    case container
    case everything
    /// Unknown; requests for other containers show it.
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

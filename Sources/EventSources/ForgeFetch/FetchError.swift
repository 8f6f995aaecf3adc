/// Why a download or an import is not complete, in one line for the user.
package struct FetchError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The API, a container or the receiver failed. A later run can go on.
    case unavailable
    /// Everything is done except for records that the server could not read.
    case incomplete
    /// The state of an earlier run cannot be read.
    case damagedState
    /// The state is of a run with other settings.
    case otherSettings
    /// A file could not be written.
    case unwritable
  }

  package var code: Code
  package var description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

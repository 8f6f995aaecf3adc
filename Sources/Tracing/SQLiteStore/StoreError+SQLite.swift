import CSQLite
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension StoreError {
  /// What a SQLite result code means to a caller.
  ///
  /// - Parameters:
  ///   - doing: what was tried, with the file's name.
  ///   - message: what SQLite says.
  init(sqlite code: Int32, systemError: Int32 = 0, doing: String, message: String) {
    // SQLite calls a full disk an I/O error where it could not make its index of the write-ahead log.
    let reason = systemError == 0 ? nil : strerror(systemError).map { String(cString: $0) }
    self.init(
      Self.code(sqlite: code, systemError: systemError), "\(doing): \(message)\(reason.map { " (\($0))" } ?? "")")
  }

  private static func code(sqlite code: Int32, systemError: Int32) -> Code {
    switch systemError {
    case ENOSPC, EDQUOT: return .noSpace
    case EMFILE, ENFILE: return .busy
    default: break
    }
    return switch code & 0xff {
    case SQLITE_FULL: .noSpace
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM: .busy
    case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
    case SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE: .rejected
    case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH, SQLITE_READONLY: .unusable
    default: .inputOutput
    }
  }

  /// What the system says of the call that just failed.
  static func system(_ error: Int32 = errno, doing: String) -> StoreError {
    let message = strerror(error).map { String(cString: $0) } ?? "error \(error)"
    let code: Code =
      switch error {
      case ENOSPC, EDQUOT: .noSpace
      case EIO: .inputOutput
      case EMFILE, ENFILE, EINTR: .busy
      default: .unusable
      }
    return StoreError(code, "\(doing): \(message)")
  }
}

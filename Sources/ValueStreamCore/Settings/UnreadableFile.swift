#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Says in a message why a file cannot be read: `cannot read the file c.json5: it does not exist`.
package struct UnreadableFile: Sendable, Hashable, CustomStringConvertible {
  package var path: String
  /// The number of the system's error; 0 if the file can be read now.
  package var error: Int32

  package init(_ path: String, error: Int32) {
    self.path = path
    self.error = error
  }

  /// Asks the system, without waiting for a pipe that nobody writes to.
  package init(_ path: String) {
    self.init(path, error: Self.errorAtOpening(path))
  }

  package var description: String {
    let reason: String? =
      switch error {
      case 0: nil
      case ENOENT: "it does not exist"
      case EACCES: "permission denied"
      case EISDIR: "it is a directory"
      default: String(cString: strerror(error))
      }
    return "cannot read the file \(path)" + (reason.map { ": \($0)" } ?? "")
  }

  private static func errorAtOpening(_ path: String) -> Int32 {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return errno }
    // Opening a directory succeeds, reading it does not.
    return status.st_mode & S_IFMT == S_IFDIR ? EISDIR : 0
  }
}

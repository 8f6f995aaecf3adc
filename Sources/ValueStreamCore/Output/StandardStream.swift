#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The standard output and standard error of the process.
package enum StandardStream: Sendable {
  case output, error

  private var descriptor: Int32 { self == .output ? STDOUT_FILENO : STDERR_FILENO }

  package var isTerminal: Bool { isatty(descriptor) == 1 }

  package func write(_ text: String) {
    write(Array(text.utf8))
  }

  /// Writes bytes, with one system call if the stream accepts them all, so that lines stay whole.
  ///
  /// What the stream does not accept is lost.
  package func write(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Self.writeOnce(UnsafeRawBufferPointer(rebasing: rest), to: descriptor)
        if count <= 0 { return }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Calls `write` once, and again if a signal interrupts it.
  ///
  /// - Returns: The number of bytes written; 0 or less if the stream fails or has no room.
  static func writeOnce(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
    while true {
      #if canImport(Glibc)
        let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, bytes.baseAddress, bytes.count)
      #else
        let count = Darwin.write(descriptor, bytes.baseAddress, bytes.count)
      #endif
      if count >= 0 || errno != EINTR { return count }
    }
  }
}

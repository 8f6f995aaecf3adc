import ValueStreamCore

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

  package func write(_ text: String) { write(Array(text.utf8)) }

  /// Writes bytes, with one system call if the stream accepts them all, so that lines stay whole.
  ///
  /// What the stream does not accept is lost.
  package func write(_ bytes: [UInt8]) { DescriptorWriting.write(bytes, to: descriptor) }
}

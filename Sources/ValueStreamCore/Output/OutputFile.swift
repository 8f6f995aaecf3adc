#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a file could not be written, in one line for the user.
package struct OutputError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    case unwritable
    /// The file is shorter than the part of it that was to be kept.
    case tooShort
  }

  package var code: Code
  package var description: String
}

/// Writes bytes to a file or to standard output, with a buffer.
package struct OutputFile: ~Copyable {
  private let descriptor: Int32
  private let name: String
  private var buffer: [UInt8] = []

  private static let bufferSize = 1 << 18

  /// Opens the output for writing.
  ///
  /// - Parameters:
  ///   - path: The file to write; nil and `-` mean standard output. The file is created if it does not exist.
  ///   - size: The number of bytes of an existing file to keep. Everything after them is deleted.
  /// - Throws: ``OutputError`` if the file cannot be opened, or is shorter than `size`.
  package init(path: String?, keeping size: Int64 = 0) throws(OutputError) {
    let path = path == "-" ? nil : path
    name = path ?? "standard output"
    descriptor = path.map { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) } ?? STDOUT_FILENO
    if descriptor < 0 { throw Self.failure(name) }
    buffer.reserveCapacity(Self.bufferSize * 2)
    guard path != nil else { return }
    // A pipe or a device has no end to move.
    let end = max(0, Int64(lseek(descriptor, 0, SEEK_END)))
    if end < size { throw OutputError(code: .tooShort, description: "\(name) is shorter than it was left") }
    if end > size, ftruncate(descriptor, off_t(size)) != 0 { throw Self.failure(name) }
    lseek(descriptor, off_t(size), SEEK_SET)
  }

  /// True for a regular file, and for a path where none exists yet; false for a device, a pipe or a folder.
  package static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  deinit {
    if descriptor != STDOUT_FILENO { close(descriptor) }
  }

  package mutating func writeLine(_ line: [UInt8]) throws(OutputError) {
    try write(line)
    try write([UInt8(ascii: "\n")])
  }

  package mutating func write(_ bytes: [UInt8]) throws(OutputError) {
    buffer += bytes
    if buffer.count >= Self.bufferSize { try flush() }
  }

  package mutating func flush() throws(OutputError) {
    var written = 0
    while written < buffer.count {
      let count = buffer[written...].withUnsafeBytes { DescriptorWriting.writeOnce($0, to: descriptor) }
      if count < 0 { throw Self.failure(name) }
      written += count
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private static func failure(_ name: String) -> OutputError {
    OutputError(code: .unwritable, description: "cannot write \(name): \(String(cString: strerror(errno)))")
  }
}

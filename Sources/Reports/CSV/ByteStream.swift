import Glibc

/// A source of bytes that can be read once, in order.
protocol ByteStream: AnyObject {
  /// Reads up to the size of the buffer.
  ///
  /// - Returns: The number of bytes read; 0 at the end, and only there.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(CSVError) -> Int
}

/// Opens files and detects compression and UTF-16 by their first bytes.
enum ByteStreams {
  /// Opens a file as a stream of decompressed UTF-8.
  ///
  /// - Parameter path: The file to open; `-` means standard input.
  static func open(_ path: String) throws(CSVError) -> any ByteStream {
    let file = try FileStream(path: path)
    let beginning = try file.peek(4)
    if beginning.starts(with: [0x1F, 0x8B]) { return try GunzipStream(file, name: file.name) }
    if beginning == [0x28, 0xB5, 0x2F, 0xFD] { return try UnzstdStream(file, name: file.name) }
    if let isBigEndian = UTF16Stream.isBigEndian(beginning) { return UTF16Stream(file, isBigEndian: isBigEndian) }
    return file
  }
}

/// Reads a file, a pipe or standard input.
final class FileStream: ByteStream {
  let name: String
  private let descriptor: Int32
  /// The bytes that ``peek(_:)`` has returned and ``read(into:)`` has not.
  private var beginning: [UInt8] = []

  init(path: String) throws(CSVError) {
    let isStandardInput = path == "-"
    name = isStandardInput ? "standard input" : path
    descriptor = isStandardInput ? STDIN_FILENO : Glibc.open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw CSVError(.missing, file: name, reason: String(cString: strerror(errno))) }
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// Returns the next bytes without consuming them; fewer than `count` at the end of the file.
  func peek(_ count: Int) throws(CSVError) -> [UInt8] {
    while beginning.count < count {
      var bytes = [UInt8](repeating: 0, count: count - beginning.count)
      let read = Self.read(descriptor, &bytes)
      if read < 0 { throw failure }
      if read == 0 { break }
      beginning += bytes[..<read]
    }
    return beginning
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(CSVError) -> Int {
    if !beginning.isEmpty {
      let count = min(beginning.count, buffer.count)
      buffer.copyBytes(from: beginning[..<count])
      beginning.removeFirst(count)
      return count
    }
    let count = Self.read(descriptor, buffer)
    if count < 0 { throw failure }
    return count
  }

  private static func read(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Int {
    bytes.withUnsafeMutableBytes { read(descriptor, $0) }
  }

  private static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 || errno != EINTR { return count }
    }
  }

  private var failure: CSVError {
    CSVError(.missing, file: name, reason: String(cString: strerror(errno)))
  }
}

/// Reads bytes in memory.
final class MemoryStream: ByteStream {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) {
    rest = bytes[...]
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let part = rest.prefix(buffer.count)
    buffer.copyBytes(from: part)
    rest = rest.dropFirst(part.count)
    return part.count
  }
}

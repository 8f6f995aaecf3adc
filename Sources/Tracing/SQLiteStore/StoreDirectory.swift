import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The directory that holds the files of log and store. What is created in it is for its owner alone.
struct StoreDirectory: Sendable {
  let path: String

  /// Creates the directory, and those above it, where they are missing.
  init(_ path: String) throws(StoreError) {
    self.path = path
    try Self.create(path)
  }

  /// - Throws: when there is no such directory.
  init(existing path: String) throws(StoreError) {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0 else { throw .system(doing: "opening directory \(path)") }
  }

  private static func create(_ path: String) throws(StoreError) {
    if mkdir(path, 0o700) == 0 { return }
    var error = errno
    if error == ENOENT, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex {
      try create(String(path[..<slash]))
      if mkdir(path, 0o700) == 0 { return }
      error = errno
    }
    var status = stat()
    guard error == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .system(error == EEXIST ? ENOTDIR : error, doing: "creating directory \(path)")
    }
  }

  func file(_ name: String) -> String {
    "\(path)/\(name)"
  }

  /// Makes sure that a file exists. Must not be called while this process has the file open: closing a file gives up all
  /// of a process' locks on it.
  func createFile(_ name: String) throws(StoreError) {
    let descriptor = open(file(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      close(descriptor)
    } else if errno != EEXIST {
      throw .system(doing: "creating \(file(name))")
    }
  }

  /// Makes created and removed names durable.
  func synchronize() throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(doing: "opening \(path)") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(doing: "writing \(path)") }
  }

  /// Names of the files in it that begin so, sorted.
  func names(withPrefix prefix: String) throws(StoreError) -> [String] {
    guard let directory = opendir(path) else { throw .system(doing: "reading \(path)") }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix(prefix) { names.append(name) }
    }
    return names.sorted()
  }

  /// What a small file holds; nil when there is none, or it cannot be read.
  func contents(of name: String) -> [UInt8]? {
    let descriptor = open(file(name), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var result: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &part, part.count)
      if count == 0 { return result }
      guard count > 0 else { return nil }
      result += part.prefix(count)
    }
  }

  /// Puts a small file in the place of another, durably: it is there as a whole, or not at all.
  func replace(_ name: String, with contents: [UInt8]) throws(StoreError) {
    let new = file(name + ".new")
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(doing: "creating \(new)") }
    defer { close(descriptor) }
    var rest = contents[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw .system(doing: "writing \(new)") }
      rest = rest.dropFirst(count)
    }
    guard fsync(descriptor) == 0, rename(new, file(name)) == 0 else { throw .system(doing: "writing \(file(name))") }
    try synchronize()
  }

  /// Bytes of a file; 0 when it does not exist.
  func size(of name: String) -> Int64 {
    var status = stat()
    return stat(file(name), &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Bytes of a file by its path; 0 when it does not exist.
  static func size(ofFile path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Why files of these names cannot be written or created in it, by the rights and the state of the file system; nil where they can.
  func obstacle(toWriting names: [String]) -> StoreError? {
    let found = names.map(file).filter { access($0, F_OK) == 0 }
    for path in [path] + found where access(path, W_OK) != 0 { return .system(doing: "writing \(path)") }
    return nil
  }

  /// What keeps files of these names from being opened for writing although it may pass by itself: no space, a file system that is read-only, missing
  /// rights. Nil where waiting does not help.
  func passingObstacle(_ error: any Error, toWriting names: [String]) -> StoreError? {
    guard let error = error as? StoreError else { return nil }
    switch error.code {
    case .noSpace: return error
    case .unusable, .inputOutput: return obstacle(toWriting: names)
    case .busy, .corrupt, .rejected, .newerVersion: return nil
    }
  }

  /// Throws where the disk has no room for the least that a write takes.
  func checkRoom() throws(StoreError) {
    var status = statvfs()
    // Some file systems do not say.
    guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return }
    let room = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    guard !room.overflow, room.partialValue < Self.leastRoom else { return }
    throw .system(ENOSPC, doing: "writing \(path)")
  }

  private static let leastRoom: UInt64 = 64 << 10

  /// Removes a database file, then what SQLite keeps beside it.
  func removeDatabase(_ name: String) throws(StoreError) {
    for file in Self.files(ofDatabase: name).map(file) where unlink(file) != 0 && errno != ENOENT {
      throw .system(doing: "removing \(file)")
    }
  }

  /// A database file and what SQLite keeps beside it.
  static func files(ofDatabase name: String) -> [String] {
    [name, name + "-wal", name + "-shm"]
  }
}

/// Keeps other processes, and other instances in this one, away from a directory. The system takes the lock back when the
/// process ends, however it ends.
final class DirectoryLock: Sendable {
  private let descriptor: Int32

  init(_ directory: StoreDirectory, name: String) throws(StoreError) {
    let path = directory.file(name)
    let writable = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    let error = errno
    // A file that is there can be locked also where nothing can be written.
    descriptor = writable >= 0 ? writable : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(error, doing: "opening \(path)") }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
    let refusal = errno
    close(descriptor)
    guard refusal == EWOULDBLOCK else { throw .system(refusal, doing: "locking \(path)") }
    throw StoreError(.busy, "\(directory.path): in use by another process, which holds \(name)")
  }

  deinit {
    close(descriptor)
  }
}

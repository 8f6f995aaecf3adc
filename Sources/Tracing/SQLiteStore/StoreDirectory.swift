import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The directory with the files of the log and the store. Only its owner can access the files and directories that it
/// creates.
struct StoreDirectory: Sendable {
  let path: String

  /// Creates the directory and its parents if they do not exist.
  init(_ path: String) throws(StoreError) {
    self.path = path
    try Self.create(path)
  }

  /// Uses an existing directory.
  ///
  /// - Throws: an error if it does not exist.
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

  /// Creates an empty file if it does not exist. Do not call it while this process has the file open, because closing a
  /// file releases all locks that the process holds on it.
  func createFile(_ name: String) throws(StoreError) {
    let descriptor = open(file(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      close(descriptor)
    } else if errno != EEXIST {
      throw .system(doing: "creating \(file(name))")
    }
  }

  /// Makes the creation and removal of files durable.
  func synchronize() throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(doing: "opening \(path)") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(doing: "writing \(path)") }
  }

  /// Returns the names of the files that start with a prefix, sorted.
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

  /// Returns the contents of a small file; nil if it does not exist or cannot be read.
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

  /// Replaces the contents of a small file, or creates it, atomically and durably.
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

  /// Returns the size of a file in bytes; 0 if it does not exist.
  func size(of name: String) -> Int64 {
    var status = stat()
    return stat(file(name), &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Returns the size of the file at a path in bytes; 0 if it does not exist.
  static func size(ofFile path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Returns why files of these names cannot be written or created; nil if they can. Checks permissions and whether the
  /// file system is read-only.
  func obstacle(toWriting names: [String]) -> StoreError? {
    let found = names.map(file).filter { access($0, F_OK) == 0 }
    for path in [path] + found where access(path, W_OK) != 0 { return .system(doing: "writing \(path)") }
    return nil
  }

  /// Returns what keeps files of these names from being opened for writing, if it may pass by itself. These obstacles
  /// may: a full disk, a read-only file system and missing permissions. Nil if waiting does not help.
  func passingObstacle(_ error: any Error, toWriting names: [String]) -> StoreError? {
    guard let error = error as? StoreError else { return nil }
    switch error.code {
    case .noSpace: return error
    case .unusable, .inputOutput: return obstacle(toWriting: names)
    case .busy, .corrupt, .rejected, .newerVersion: return nil
    }
  }

  /// Checks that the disk has room for the smallest write.
  ///
  /// - Throws: `noSpace` if less than 64 KiB are free.
  func checkRoom() throws(StoreError) {
    var status = statvfs()
    // Some file systems do not report their size.
    guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return }
    let room = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    guard !room.overflow, room.partialValue < Self.leastRoom else { return }
    throw .system(ENOSPC, doing: "writing \(path)")
  }

  private static let leastRoom: UInt64 = 64 << 10

  /// Removes a database file, then the files that SQLite keeps beside it. Missing files are no error.
  func removeDatabase(_ name: String) throws(StoreError) {
    for file in Self.files(ofDatabase: name).map(file) where unlink(file) != 0 && errno != ENOENT {
      throw .system(doing: "removing \(file)")
    }
  }

  /// Returns the names of a database file and of the files that SQLite keeps beside it.
  static func files(ofDatabase name: String) -> [String] {
    [name, name + "-wal", name + "-shm"]
  }
}

/// A lock that keeps other processes, and other instances in this one, from using a directory. The system releases it
/// when the process ends, even if it crashes.
final class DirectoryLock: Sendable {
  private let descriptor: Int32

  init(_ directory: StoreDirectory, name: String) throws(StoreError) {
    let path = directory.file(name)
    let writable = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    let error = errno
    // An existing file can be locked even on a read-only disk.
    let opened = writable >= 0 ? writable : open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw .system(error, doing: "opening \(path)") }
    if flock(opened, LOCK_EX | LOCK_NB) == 0 {
      descriptor = opened
      return
    }
    let rejection = errno
    // Once the property is set, `deinit` runs even if this throws, and would close the file of another thread.
    close(opened)
    guard rejection == EWOULDBLOCK else { throw .system(rejection, doing: "locking \(path)") }
    throw StoreError(.busy, "\(directory.path): in use by another process, which holds \(name)")
  }

  deinit {
    close(descriptor)
  }
}

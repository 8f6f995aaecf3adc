import CSQLite
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Copies log and spans of a directory into another directory, also while a vsd writes them.
package enum SQLiteBackup {
  /// Makes a copy that can be used as a store.
  ///
  /// The spans are copied before the log, so that the log of the copy has all deliveries that its spans reflect. The target appears
  /// once everything is in it and on disk.
  ///
  /// - Parameter onProgress: Called with the name of each file before it is copied.
  /// - Returns: The size of the copy in bytes.
  /// - Throws: ``StoreError``. `rejected` if the target exists.
  package static func copy(_ source: String, to target: String, onProgress: (String) -> Void = { _ in }) throws -> Int64 {
    let from = try StoreDirectory(existing: source)
    var status = stat()
    guard lstat(target, &status) != 0 else { throw StoreError(.rejected, "\(target): exists already") }
    let unfinished = "\(target).unfinished"
    let to = try StoreDirectory(unfinished)
    // Of an earlier attempt that failed.
    for name in try to.names(withPrefix: "") where name != "." && name != ".." { unlink(to.file(name)) }
    var bytes: Int64 = 0
    func copyFile(_ name: String) throws {
      onProgress(name)
      let source = try SQLiteConnection.reading(path: from.file(name), vfs: nil)
      try to.createFile(name)
      try source.copyAll(to: SQLiteConnection(path: to.file(name)))
      bytes += to.size(of: name)
    }
    try copyFile(SQLiteSpanStore.Options().fileName)
    var known: Set<String> = []
    // Meanwhile segments may be added, and removed by retention.
    while let name = try segments(of: from).first(where: { !known.contains($0) }) {
      known.insert(name)
      do {
        try copyFile(name)
      } catch let error as StoreError {
        guard try !segments(of: from).contains(name) else { throw error }
        unlink(to.file(name))
      }
    }
    if let gaps = from.contents(of: LogGaps.fileName) { try to.replace(LogGaps.fileName, with: gaps) }
    try to.synchronize()
    guard rename(unfinished, target) == 0 else { throw StoreError.system(doing: "renaming \(unfinished)") }
    let parent = target.split(separator: "/").dropLast().joined(separator: "/")
    try StoreDirectory(existing: (target.hasPrefix("/") ? "/" : "./") + parent).synchronize()
    return bytes
  }

  private static func segments(of directory: StoreDirectory) throws -> [String] {
    try directory.names(withPrefix: LogSegment.prefix).filter { LogSegment(name: $0) != nil }
  }
}

import Foundation
import Testing

@testable import ValueStreamCore

@Suite("A file that cannot be read")
struct UnreadableFileTests {
  @Test(
    "is named with the reason",
    arguments: [
      (ENOENT, "cannot read the file a/b: it does not exist"), (EACCES, "cannot read the file a/b: permission denied"),
      (EISDIR, "cannot read the file a/b: it is a directory"),
      (ELOOP, "cannot read the file a/b: Too many levels of symbolic links"),
      (0, "cannot read the file a/b"),
    ])
  func reason(error: Int32, message: String) {
    #expect(UnreadableFile("a/b", error: error).description == message)
  }

  @Test("is asked about at the system, which a pipe without a writer does not hold up")
  func system() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("unreadable-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (file, pipe) = (folder.appendingPathComponent("file").path, folder.appendingPathComponent("pipe").path)
    try Data("a".utf8).write(to: URL(fileURLWithPath: file))
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(UnreadableFile(file).error == 0)
    #expect(UnreadableFile(pipe).error == 0)
    #expect(UnreadableFile(folder.path).error == EISDIR)
    #expect(UnreadableFile("\(folder.path)/none").error == ENOENT)
    #expect(UnreadableFile("\(file)/none").error == ENOTDIR)
    // Root may read everything.
    if geteuid() != 0 {
      try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: file)
      #expect(UnreadableFile(file).error == EACCES)
    }
  }
}

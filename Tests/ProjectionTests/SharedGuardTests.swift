import Foundation
import PoisonGuard
import Testing

@Suite("Guard files of several processes on a machine")
struct SharedGuardTests {
  @Test("each process has a file of its own, and the next one continues a file that is free")
  func files() throws {
    let file = try GuardFile()
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: file.directory).sorted() }
    var first: PoisonGuard? = PoisonGuard(sharedDirectory: file.directory)
    let second = PoisonGuard(sharedDirectory: file.directory)
    #expect(first?.isWorking == true && second.isWorking)
    #expect(try names() == [PoisonGuard.fileName, "\(PoisonGuard.fileName)-1"])
    // The process crashes while it takes a step.
    first?.enter(PoisonGuard.projection, 7...7)
    let bytes = try file.afterCrash()
    first = nil
    try file.write(bytes)
    let third = PoisonGuard(sharedDirectory: file.directory)
    #expect(try names().count == 2)
    #expect(third.isSuspect(PoisonGuard.projection, 7) && !second.isSuspect(PoisonGuard.projection, 7))
    #expect(!PoisonGuard(sharedDirectory: "\(file.directory)/none").isWorking)
  }
}

import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import SQLiteStore

@Suite("The delivery log in SQLite")
struct SQLiteDeliveryLogTests {
  private let directory: TemporaryDirectory
  private let contract: DeliveryLogContract

  init() throws {
    let directory = try TemporaryDirectory()
    self.directory = directory
    let open: @Sendable () throws -> any DeliveryLog = {
      // Small limits, so that every check crosses segments and frames.
      var options = SQLiteDeliveryLog.Options()
      options.segmentBytes = 100_000
      options.frameBytes = 3_000
      return try SQLiteDeliveryLog(directory: directory.file("store"), options: options)
    }
    contract = DeliveryLogContract(
      makeLog: open,
      reopen: { log in
        log.close()
        return try open()
      })
  }

  @Test("keeps deliveries in order and finds each again")
  func order() throws { try contract.checkOrder() }

  @Test("takes an empty batch for nothing")
  func emptyAppend() throws { try contract.checkEmptyAppend() }

  @Test("reads backwards, the newest first")
  func backwards() throws { try contract.checkBackwards() }

  @Test("gives every byte back")
  func contents() throws { try contract.checkContents() }

  @Test("reads no more than asked for")
  func readLimits() throws { try contract.checkReadLimits() }

  @Test("removes only what is old or too much, and projected")
  func retention() throws { try contract.checkRetention() }

  @Test("is read while it is written")
  func concurrency() async throws { try await contract.checkReadersBesideWriter() }

  @Test("goes on after it was closed")
  func reopening() throws { try contract.checkReopening() }

  @Test("compresses what repeats from commit to commit")
  func compression() throws {
    let log = try SQLiteDeliveryLog(directory: directory.file("store"))
    defer { log.close() }
    var random = SeededRandom(seed: 5)
    let common = (0..<4000).map { _ in UInt8.random(in: 32...126, using: &random) }
    for number in 0..<1000 {
      var logged = StoreSamples.delivery(number, bodyBytes: 10)
      logged.delivery.body += common
      _ = try log.append([logged])
    }
    // A page of 4 KiB holds many commits, and the write-ahead log has at most about a thousand pages.
    #expect(try log.size() < 4_700_000)
    #expect(try log.read(after: nil, limit: .max, byteLimit: .max).count == 1000)
  }

  @Test("begins another segment when one is full, and unlinks those it may")
  func segments() throws {
    var options = SQLiteDeliveryLog.Options()
    options.segmentBytes = 200_000
    let log = try SQLiteDeliveryLog(directory: directory.file("store"), options: options)
    defer { log.close() }
    var positions: [LogPosition] = []
    for number in 0..<100 {
      var logged = StoreSamples.delivery(number)
      logged.delivery.body = StoreSamples.randomBytes(10_000, seed: UInt64(number))
      positions += try log.append([logged])
    }
    func segments() throws -> [LogSegment] { try directory.files().compactMap(LogSegment.init(name:)) }
    let before = try segments()
    #expect((4...8).contains(before.count))
    #expect(before.first?.first == 1)
    for segment in before.dropLast() {
      let attributes = try directory.files().filter { $0.hasPrefix(segment.name) }
      #expect(attributes == [segment.name], "closed segments keep no write-ahead log")
    }
    // A reader that stands in a removed segment continues with the first one that is left.
    _ = try log.read(after: LogCoverage(positions[2]), limit: 2, byteLimit: .max)
    try log.removeOld(receivedBefore: StoreSamples.time(1000), maximumBytes: .max, projected: LogCoverage(positions[50]))
    let after = try segments()
    #expect(after.count < before.count)
    #expect(try #require(after.first).first <= positions[50].rawValue + 1)
    #expect(
      try log.read(after: LogCoverage(positions[4]), limit: 1, byteLimit: .max).first?.position.rawValue == after.first?.first)
    try log.removeOld(receivedBefore: StoreSamples.time(1000), maximumBytes: 0, projected: positions.coverage)
    #expect(try segments().count == 1, "the one that is written stays")
  }

  @Test("goes by each segment's newest delivery, also when they were closed long ago")
  func ages() throws {
    var options = SQLiteDeliveryLog.Options()
    options.segmentBytes = 50_000
    let path = directory.file("store")
    var log = try SQLiteDeliveryLog(directory: path, options: options)
    for number in [5, 900, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] {
      var logged = StoreSamples.delivery(number)
      logged.delivery.body = StoreSamples.randomBytes(40_000, seed: UInt64(number))
      _ = try log.append([logged])
    }
    log.close()
    log = try SQLiteDeliveryLog(directory: path, options: options)
    defer { log.close() }
    try log.removeOld(receivedBefore: StoreSamples.time(100), maximumBytes: .max, projected: log.coverage())
    // The delivery with the later time of receipt keeps its segment and all later segments.
    let kept = try log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged.delivery.received)
    #expect(kept.contains(StoreSamples.time(900)))
    try log.removeOld(receivedBefore: StoreSamples.time(1000), maximumBytes: .max, projected: log.coverage())
    #expect(try log.read(after: nil, limit: .max, byteLimit: .max).count < 4)
  }

  @Test("lets nobody else read its files")
  func modes() throws {
    let log = try SQLiteDeliveryLog(directory: directory.file("store/deep"))
    _ = try log.append(StoreSamples.deliveries(0..<1))
    #expect(try directory.mode(of: "store") == 0o700)
    #expect(try directory.mode(of: "store/deep") == 0o700)
    let files = try directory.files(in: "store/deep")
    #expect(files.count >= 3)
    for name in files { #expect(try directory.mode(of: "store/deep/\(name)") == 0o600, "\(name)") }
    log.close()
  }

  @Test("has one owner at a time")
  func lock() throws {
    let path = directory.file("store")
    let log = try SQLiteDeliveryLog(directory: path)
    let rejection = #expect(throws: StoreError.self) { try SQLiteDeliveryLog(directory: path) }
    #expect(rejection?.code == .busy)
    #expect(rejection?.message.contains(path) == true)
    log.close()
    let second = try SQLiteDeliveryLog(directory: path)
    second.close()
    let closed = #expect(throws: StoreError.self) { try second.append(StoreSamples.deliveries(0..<1)) }
    #expect(closed?.code == .unusable)
  }

  @Test("closes only its own files when another owner has the directory")
  func refusedOwner() throws {
    let log = try SQLiteDeliveryLog(directory: directory.file("store"))
    defer { log.close() }
    // Files that are opened and closed meanwhile get the numbers that were just set free.
    let isOver = Atomic(false)
    let failures = Atomic(0)
    let ended = DispatchSemaphore(value: 0)
    let isStarted = OwnThread.start {
      while !isOver.load(ordering: .relaxed) {
        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        sched_yield()
        if descriptor >= 0, close(descriptor) != 0 { failures.add(1, ordering: .relaxed) }
      }
      ended.signal()
    }
    try #require(isStarted)
    for _ in 0..<2000 { #expect(throws: StoreError.self) { try SQLiteDeliveryLog(directory: directory.file("store")) } }
    isOver.store(true, ordering: .relaxed)
    ended.wait()
    #expect(failures.load(ordering: .relaxed) == 0)
  }

  @Test("holds everything that was appended when the process is gone")
  func crash() throws {
    var options = SQLiteDeliveryLog.Options()
    options.segmentBytes = 60_000
    let log = try SQLiteDeliveryLog(directory: directory.file("store"), options: options)
    defer { log.close() }
    for number in 0..<30 {
      _ = try log.append(StoreSamples.deliveries(number * 3..<number * 3 + 3))
      guard number % 5 == 4 else { continue }
      let copy = "copy\(number)"
      try directory.copy(to: copy)
      let recovered = try SQLiteDeliveryLog(directory: directory.file(copy))
      defer { recovered.close() }
      let read = try recovered.read(after: nil, limit: .max, byteLimit: .max)
      #expect(read.map(\.logged) == StoreSamples.deliveries(0..<number * 3 + 3))
      #expect(try recovered.append(StoreSamples.deliveries(0..<1)).map(\.rawValue) == [UInt64(number * 3 + 4)])
    }
  }

  @Test("removes what an interrupted removal left")
  func orphans() throws {
    let path = directory.file("store")
    let store = try StoreDirectory(path)
    let orphan = LogSegment(first: 1).name + "-wal"
    try store.createFile(orphan)
    try store.createFile("log-notes.txt")
    let log = try SQLiteDeliveryLog(directory: path)
    _ = try log.append(StoreSamples.deliveries(0..<1))
    log.close()
    #expect(try directory.files() == ["log-00000000000000000001.sqlite", "log-notes.txt", "log.lock"])
  }
}

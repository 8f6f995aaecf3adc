import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import SQLiteStore

@Suite("The delivery log when disks fail")
struct DeliveryLogFailureTests {
  private let directory: TemporaryDirectory
  private let recorder: SyncRecorder
  private var options = SQLiteDeliveryLog.Options()

  init() throws {
    directory = try TemporaryDirectory()
    recorder = try SyncRecorder()
    options.vfs = recorder.name
  }

  private func open() throws -> SQLiteDeliveryLog {
    try SQLiteDeliveryLog(directory: directory.file("store"), options: options)
  }

  @Test("has synced what it wrote before append returns")
  mutating func syncBeforeReturn() throws {
    options.segmentBytes = 300_000
    options.checkpointPages = 20
    let log = try open()
    defer { log.close() }
    for number in 0..<200 {
      let written = recorder.count(.write, onFilesEnding: "-wal")
      let synced = recorder.count(.sync, onFilesEnding: "-wal")
      _ = try log.append(StoreSamples.deliveries(number..<number + 1 + number % 3, bodyBytes: 3_000))
      #expect(recorder.count(.write, onFilesEnding: "-wal") > written, "append \(number) writes")
      #expect(recorder.count(.sync, onFilesEnding: "-wal") > synced, "append \(number) syncs")
      #expect(recorder.last(onFilesEnding: "-wal") == .sync, "append \(number) syncs last")
    }
    #expect(recorder.count(.sync, onFilesEnding: ".sqlite") > 1, "checkpoints sync what they copy")
  }

  @Test(
    "keeps nothing of an append whose write or sync fails, and takes the next",
    arguments: [SyncRecorder.Operation.write, .sync])
  func inputOutput(operation: SyncRecorder.Operation) throws {
    let log = try open()
    defer { log.close() }
    var expected: [LoggedDelivery] = []
    for round in 0..<6 {
      let good = StoreSamples.deliveries(expected.count..<expected.count + 3)
      #expect(try log.append(good).map(\.rawValue) == (1...3).map { UInt64(expected.count + $0) })
      expected += good
      recorder.failNext(operation, onFilesEnding: "-wal", times: Int32(1 + round % 2))
      for _ in 0...(round % 2) {
        let refusal = #expect(throws: StoreError.self) { try log.append(StoreSamples.deliveries(700..<705)) }
        #expect(refusal?.code == .inputOutput)
        #expect(refusal?.isRetryable == true)
      }
      #expect(try log.lastPosition()?.rawValue == UInt64(expected.count))
      #expect(try log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == expected)
    }
    try directory.copy(to: "copy")
    log.close()
    for path in ["store", "copy"] {
      let again = try SQLiteDeliveryLog(directory: directory.file(path))
      defer { again.close() }
      let read = try again.read(after: nil, limit: .max, byteLimit: .max).map(\.logged)
      #expect(read.starts(with: expected))
    }
  }

  @Test("says that the disk is full, and goes on when there is room again")
  mutating func noSpace() throws {
    options.checkpointPages = 50
    options.segmentBytes = 400_000
    let log = try open()
    defer { log.close() }
    var expected: [LoggedDelivery] = []
    func append(_ number: Int) throws {
      var logged = StoreSamples.delivery(number)
      logged.delivery.body = StoreSamples.randomBytes(30_000, seed: UInt64(number))
      _ = try log.append([logged])
      expected.append(logged)
    }
    var failures = 0
    for room in [Int64(0), 5_000, 50_000, 200_000, 0, 10_000, 450_000] {
      recorder.setRoom(room)
      for _ in 0..<25 {
        do {
          try append(expected.count)
        } catch let error as StoreError {
          #expect(error.code == .noSpace)
          failures += 1
        }
      }
      recorder.setRoom(nil)
      try append(expected.count)
      let read = try log.read(after: nil, limit: .max, byteLimit: .max)
      #expect(read.map(\.position.rawValue) == (1...UInt64(expected.count)).map { $0 })
      #expect(read.map(\.logged) == expected)
    }
    #expect(failures > 20)
    log.close()
    let again = try open()
    defer { again.close() }
    #expect(try again.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == expected)
  }

  // MARK: What is on disk is not what it should be

  @Test("names the delivery where it is damaged, and gives everything before and after its frame")
  mutating func damage() throws {
    options.frameBytes = 2_000
    var log = try open()
    for number in 0..<200 { _ = try log.append(StoreSamples.deliveries(number..<number + 1)) }
    log.close()
    let path = directory.file("store/" + LogSegment(first: 1).name)
    do {
      let connection = try SQLiteConnection(path: path)
      try connection.execute(
        "UPDATE delivery_commit SET data = substr(data, 1, 20) || x'ff' || substr(data, 22) WHERE first = 100")
    }
    log = try open()
    defer { log.close() }
    let before = try log.read(after: nil, limit: .max, byteLimit: .max)
    #expect(before.map(\.logged) == StoreSamples.deliveries(0..<99))
    let failure = #expect(throws: StoreError.self) { try log.read(after: before.last?.position, limit: 10, byteLimit: .max) }
    #expect(failure?.code == .corrupt)
    #expect(failure?.message.contains("delivery 100") == true)
    #expect(failure?.message.contains(path) == true)
    let next = try #require(failure?.message.split(separator: " ").compactMap { UInt64($0) }.last)
    #expect(next > 100)
    let rest = try log.read(after: LogPosition(rawValue: next - 1), limit: .max, byteLimit: .max)
    #expect(rest.map(\.logged) == StoreSamples.deliveries(Int(next) - 1..<200))
    #expect(throws: StoreError.self) { try log.delivery(at: LogPosition(rawValue: 100)) }
    #expect(try log.delivery(at: LogPosition(rawValue: 99)) == StoreSamples.delivery(98))
    #expect(try log.append(StoreSamples.deliveries(200..<201)).map(\.rawValue) == [201])
  }

  @Test("survives any bytes in place of a commit")
  func garbage() throws {
    var log = try open()
    for number in 0..<20 { _ = try log.append(StoreSamples.deliveries(number..<number + 1)) }
    log.close()
    var random = SeededRandom(seed: 9)
    for _ in 0..<60 {
      try FileManager.default.removeItem(atPath: directory.file("store"))
      log = try open()
      for number in 0..<5 { _ = try log.append(StoreSamples.deliveries(number..<number + 1)) }
      log.close()
      do {
        let connection = try SQLiteConnection(path: directory.file("store/" + LogSegment(first: 1).name))
        let old = try connection.prepare("SELECT data FROM delivery_commit WHERE first = 3")
        #expect(try old.step())
        var bytes = old.bytes(0)
        old.reset()
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
        let update = try connection.prepare("UPDATE delivery_commit SET data = ?1, checksum = ?2 WHERE first = 3")
        update.bind(1, bytes)
        // A checksum that is right, so that the bytes reach the decoder.
        update.bind(2, Checksum.of(bytes))
        try update.run()
      }
      log = try open()
      defer { log.close() }
      for number: UInt64 in 0..<5 {
        do {
          _ = try log.read(after: LogPosition(rawValue: number), limit: 10, byteLimit: .max)
        } catch let error as StoreError {
          #expect(error.code == .corrupt)
        }
      }
    }
  }

  @Test(
    "reports numbers that cannot be",
    arguments: ["count = 9223372036854775807", "count = 0", "count = -3", "frame = 900", "frame = -1", "count = 2", "data = x''"])
  func impossibleNumbers(change: String) throws {
    var log = try open()
    for number in 0..<3 { _ = try log.append(StoreSamples.deliveries(number..<number + 1)) }
    log.close()
    for row in [3, 2] {
      do {
        let connection = try SQLiteConnection(path: directory.file("store/" + LogSegment(first: 1).name))
        try connection.execute("UPDATE delivery_commit SET \(change) WHERE first = \(row)")
      }
      do {
        log = try open()
        defer { log.close() }
        var last: LogPosition?
        repeat { last = try log.read(after: last, limit: 10, byteLimit: .max).last?.position } while last != nil
        Issue.record("read all of it as if nothing were wrong")
      } catch let error as StoreError {
        #expect(error.code == .corrupt)
      }
    }
  }

  @Test("refuses what a newer version wrote, what is no log, and what is no database")
  func strangers() throws {
    let path = directory.file("store")
    let file = directory.file("store/" + LogSegment(first: 1).name)
    func refusal(_ change: String) throws -> StoreError? {
      do {
        let connection = try SQLiteConnection(path: file)
        try connection.execute(change)
      }
      return #expect(throws: StoreError.self) { try SQLiteDeliveryLog(directory: path) }
    }
    let log = try open()
    _ = try log.append(StoreSamples.deliveries(0..<1))
    log.close()
    let newer = try refusal("PRAGMA user_version = 2")
    #expect(newer?.code == .newerVersion)
    #expect(newer?.message.contains(file) == true)
    #expect(newer?.message.contains("2") == true)
    let foreign = try refusal("PRAGMA user_version = 1; PRAGMA application_id = 5")
    #expect(foreign?.code == .unusable)
    #expect(foreign?.message.contains(file) == true)

    try Data("this is not a database, but a text of some length".utf8).write(to: URL(fileURLWithPath: file))
    let text = #expect(throws: StoreError.self) { try SQLiteDeliveryLog(directory: path) }
    #expect(text?.code == .unusable)
    #expect(text?.message.contains(file) == true)
    let noDirectory = #expect(throws: StoreError.self) { try SQLiteDeliveryLog(directory: file + "/below") }
    #expect(noDirectory?.code == .unusable)
  }
}

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
        let rejection = #expect(throws: StoreError.self) { try log.append(StoreSamples.deliveries(700..<705)) }
        #expect(rejection?.code == .inputOutput)
        #expect(rejection?.isRetryable == true)
      }
      #expect(try log.coverage()?.ends.last?.rawValue == UInt64(expected.count))
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

  @Test("takes a read that fails for a passing error, not for damage: nothing is skipped, and no number is used twice")
  mutating func unreadable() throws {
    options.segmentBytes = 100_000
    var log = try open()
    var expected: [LoggedDelivery] = []
    func append(_ count: Int) throws {
      for _ in 0..<count {
        var logged = StoreSamples.delivery(expected.count)
        logged.delivery.body = StoreSamples.randomBytes(8_000, seed: UInt64(expected.count))
        #expect(try log.append([logged]).map(\.rawValue) == [UInt64(expected.count + 1)])
        expected.append(logged)
      }
    }
    try append(40)
    log.close()
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.file("store"))
    let segments = files.filter { LogSegment(name: $0) != nil }.sorted()
    try #require(segments.count > 2)
    options.damage = DamageReport()
    var failures = 0
    for segment in [segments[segments.count - 1], segments[0]] {
      for times in Int32(1)...12 {
        recorder.failNext(.read, onFilesEnding: segment, times: times)
        do {
          log = try open()
          _ = try log.read(after: nil, limit: .max, byteLimit: .max)
          try append(1)
        } catch let error as StoreError {
          #expect(error.code == .inputOutput)
          #expect(error.isRetryable)
          failures += 1
        }
        recorder.failNext(.read, onFilesEnding: segment, times: 0)
        log.close()
        log = try open()
        #expect(try log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == expected)
        try append(1)
        log.close()
      }
    }
    #expect(failures > 0)
    #expect(options.damage.all.isEmpty)
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

  // MARK: Damage on disk

  @Test("tells which deliveries are damaged, and gives everything before and after their frame")
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
    options.damage = DamageReport()
    log = try open()
    defer { log.close() }
    let read = try log.read(after: nil, limit: .max, byteLimit: .max)
    let next = try #require(read.first { $0.position.rawValue >= 100 }?.position.rawValue)
    #expect(next > 100)
    #expect(read.map(\.logged) == StoreSamples.deliveries(0..<99) + StoreSamples.deliveries(Int(next) - 1..<200))
    #expect(options.damage.all.map(\.name) == [next == 101 ? "100" : "100 to \(next - 1)"])
    #expect(options.damage.all.first?.reason.contains(path) == true)
    // From any start, in either direction, the log reports the same damage, and reports it once.
    for position in [98, 99, 100, next - 2, next - 1] {
      let first = try log.read(after: LogCoverage(LogPosition(rawValue: position)), limit: 1, byteLimit: .max).first
      #expect(first?.position.rawValue == (position == 98 ? 99 : next))
    }
    #expect(try log.readBackwards(before: nil, limit: .max, byteLimit: .max).map(\.logged) == read.map(\.logged).reversed())
    #expect(options.damage.all.count == 1)
    let failure = #expect(throws: StoreError.self) { try log.delivery(at: LogPosition(rawValue: 100)) }
    #expect(failure?.code == .corrupt)
    #expect(try log.delivery(at: LogPosition(rawValue: 99)) == StoreSamples.delivery(98))
    #expect(try log.append(StoreSamples.deliveries(200..<201)).map(\.rawValue) == [201])
  }

  /// Writes a log of several frames and returns its deliveries.
  private func makeLog(commits: Int) throws -> [LoggedDelivery] {
    let log = try open()
    defer { log.close() }
    var expected: [LoggedDelivery] = []
    for number in 0..<commits {
      let batch = StoreSamples.deliveries(expected.count..<expected.count + 1 + number % 3)
      _ = try log.append(batch)
      expected += batch
    }
    return expected
  }

  @Test("gives each delivery right or tells that it is damaged, whichever bit of a row has flipped")
  mutating func everyBit() throws {
    options.frameBytes = 1_500
    let expected = try makeLog(commits: 24)
    let file = directory.file("store/" + LogSegment(first: 1).name)
    var random = SeededRandom(seed: 14)
    let columns = ["first", "count", "frame", "newest", "checksum", "seal", "data"]
    let rows = try {
      let connection = try SQLiteConnection(path: file)
      let statement = try connection.prepare("SELECT first FROM delivery_commit")
      var rows: [Int64] = []
      while try statement.step() { rows.append(statement.int(0)) }
      return rows
    }()
    let original = try Data(contentsOf: URL(fileURLWithPath: file))
    for round in 0..<400 {
      let column = columns[round % columns.count]
      // Every fourth round damages the last row, which the log reads when it opens. Other rounds damage a random row.
      let row = try #require(round % 4 == 0 ? rows.last : rows.randomElement(using: &random))
      let bit = Int.random(in: 0..<63, using: &random)
      do {
        let connection = try SQLiteConnection(path: file)
        if column == "data" {
          let old = try connection.prepare("SELECT data FROM delivery_commit WHERE first = \(row)")
          #expect(try old.step())
          var bytes = old.bytes(0)
          old.reset()
          bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8(bit % 8)
          let update = try connection.prepare("UPDATE delivery_commit SET data = ?1 WHERE first = \(row)")
          update.bind(1, bytes)
          try update.run()
        } else {
          // Flip a bit without XOR, which SQLite lacks. Skip a number that another row already has.
          try connection.execute(
            """
            UPDATE OR IGNORE delivery_commit
            SET \(column) = (\(column) | (1 << \(bit))) & ~(\(column) & (1 << \(bit))) WHERE first = \(row)
            """)
        }
      }
      options.damage = DamageReport()
      let log = try open()
      let isChanged = try Data(contentsOf: URL(fileURLWithPath: file)) != original
      let read = try log.read(after: nil, limit: .max, byteLimit: .max)
      let added = try log.append(StoreSamples.deliveries(900..<901))
      var missing = Set(1...UInt64(expected.count))
      for entry in read {
        let number = entry.position.rawValue
        missing.remove(number)
        let isRight = Int(number) <= expected.count && entry.logged == expected[Int(number) - 1]
        #expect(isRight, "delivery \(number) after bit \(bit) of \(column) in row \(row)")
      }
      let told = Set(
        options.damage.all.flatMap { damage -> [UInt64] in
          let bounds = damage.name.split(separator: " ").compactMap { UInt64($0) }
          guard let first = bounds.first, let last = bounds.last, first <= UInt64(expected.count) else { return [] }
          return Array(first...min(last, UInt64(expected.count)))
        })
      // Damage after the last intact row is reported only after an append shows that deliveries are missing there.
      let rest = try log.read(after: nil, limit: .max, byteLimit: .max)
      #expect(rest.last?.position == added.last)
      let toldInTheEnd = told.union(
        options.damage.all.flatMap { damage -> [UInt64] in
          let bounds = damage.name.split(separator: " ").compactMap { UInt64($0) }
          guard let first = bounds.first, let last = bounds.last, first <= UInt64(expected.count) else { return [] }
          return Array(first...min(last, UInt64(expected.count)))
        })
      #expect(missing.isSubset(of: toldInTheEnd), "missing in silence after bit \(bit) of \(column) in row \(row)")
      #expect(isChanged || missing.isEmpty)
      log.close()
      for name in try directory.files() where LogSegment(name: name).map({ $0.first > 1 }) ?? name.hasSuffix("-wal") {
        try FileManager.default.removeItem(atPath: directory.file("store/\(name)"))
      }
      try original.write(to: URL(fileURLWithPath: file))
    }
  }

  @Test("tells of rows and segments that are gone")
  mutating func missingRows() throws {
    options.segmentBytes = 30_000
    var log = try open()
    for number in 0..<40 {
      var logged = StoreSamples.delivery(number)
      logged.delivery.body = StoreSamples.randomBytes(5_000, seed: UInt64(number))
      _ = try log.append([logged])
    }
    log.close()
    let segments = try directory.files().compactMap(LogSegment.init(name:))
    try #require(segments.count > 3)
    try FileManager.default.removeItem(atPath: directory.file("store/\(segments[1].name)"))
    do {
      let connection = try SQLiteConnection(path: directory.file("store/\(segments[2].name)"))
      try connection.execute(
        """
        DELETE FROM delivery_commit
        WHERE frame = (SELECT frame FROM delivery_commit ORDER BY first DESC LIMIT 1) AND first < frame + 2
        """)
    }
    options.damage = DamageReport()
    log = try open()
    defer { log.close() }
    let read = try log.read(after: nil, limit: .max, byteLimit: .max)
    let given = Set(read.map(\.position.rawValue))
    let told = Set(
      options.damage.all.flatMap { damage -> [UInt64] in
        let bounds = damage.name.split(separator: " ").compactMap { UInt64($0) }
        return bounds.first.map { Array($0...(bounds.last ?? $0)) } ?? []
      })
    #expect(given.union(told) == Set(1...40))
    #expect(given.isDisjoint(with: told))
    #expect(read.last?.position.rawValue == 40)
  }

  @Test("goes on with a log whose segments have no seals, and leaves them as they are")
  func formerLayout() throws {
    let expected = StoreSamples.deliveries(0..<10)
    var log = try open()
    for logged in expected { _ = try log.append([logged]) }
    log.close()
    do {
      let connection = try SQLiteConnection(path: directory.file("store/" + LogSegment(first: 1).name))
      try connection.execute(
        "ALTER TABLE delivery_commit DROP COLUMN seal; PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)")
    }
    let file = URL(fileURLWithPath: directory.file("store/" + LogSegment(first: 1).name))
    let before = try Data(contentsOf: file)
    log = try open()
    let more = StoreSamples.deliveries(10..<13)
    #expect(try log.append(more).map(\.rawValue) == [11, 12, 13])
    #expect(try log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == expected + more)
    log.close()
    #expect(try Data(contentsOf: file) == before)
    #expect(try directory.files().compactMap(LogSegment.init(name:)).map(\.first) == [1, 11])
    log = try open()
    defer { log.close() }
    #expect(try log.read(after: nil, limit: .max, byteLimit: .max).map(\.logged) == expected + more)
    #expect(try directory.files().compactMap(LogSegment.init(name:)).map(\.first) == [1, 11])
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
        // Store a correct checksum, so that the bytes reach the decoder.
        update.bind(2, Checksum.of(bytes))
        try update.run()
      }
      log = try open()
      defer { log.close() }
      for number: UInt64 in 0..<5 {
        do {
          _ = try log.read(after: LogCoverage(LogPosition(rawValue: number)), limit: 10, byteLimit: .max)
        } catch {
          #expect(error.code == .corrupt)
        }
      }
    }
  }

  @Test(
    "reports numbers that cannot be",
    arguments: ["count = 9223372036854775807", "count = 0", "count = -3", "frame = 900", "frame = -1", "count = 2", "data = x''"])
  mutating func impossibleNumbers(change: String) throws {
    var log = try open()
    for number in 0..<3 { _ = try log.append(StoreSamples.deliveries(number..<number + 1)) }
    log.close()
    for row in [3, 2] {
      do {
        let connection = try SQLiteConnection(path: directory.file("store/" + LogSegment(first: 1).name))
        try connection.execute("UPDATE delivery_commit SET \(change) WHERE first = \(row)")
      }
      options.damage = DamageReport()
      log = try open()
      defer { log.close() }
      let added = try log.append(StoreSamples.deliveries(9..<10))
      #expect(added.first.map { $0.rawValue > 3 } == true)
      let read = try log.read(after: nil, limit: .max, byteLimit: .max)
      #expect(read.last?.position == added.last)
      #expect(!read.contains { $0.position.rawValue == UInt64(row) })
      #expect(!options.damage.all.isEmpty)
    }
  }

  @Test("begins a new segment behind a newest one that is damaged, wherever, and gives what can be read")
  mutating func damagedNewestSegment() throws {
    options.frameBytes = 1_500
    var expected: [LoggedDelivery] = []
    var log = try open()
    for number in 0..<30 {
      var logged = StoreSamples.delivery(number)
      logged.delivery.body = StoreSamples.randomBytes(900, seed: UInt64(number))
      _ = try log.append([logged])
      expected.append(logged)
    }
    log.close()
    let file = URL(fileURLWithPath: directory.file("store/" + LogSegment(first: 1).name))
    let original = try Data(contentsOf: file)
    var random = SeededRandom(seed: 41)
    for round in 0..<60 {
      var bytes = original
      switch round % 6 {
      case 0: bytes = Data("this is not a database, but a text of some length".utf8)
      case 1: bytes.removeSubrange(Int.random(in: 1..<bytes.count, using: &random)...)
      case 2:
        // Overwrite a whole page, as a failing disk does.
        let page = Int.random(in: 0..<bytes.count / 4096, using: &random) * 4096
        bytes.replaceSubrange(page..<page + 4096, with: [UInt8](repeating: 0xee, count: 4096))
      case 3:
        // Damage SQLite's header, except the version by which a newer log is recognized.
        let place = (0..<100).filter { !(60..<64).contains($0) }.randomElement(using: &random) ?? 0
        bytes[place] ^= UInt8.random(in: 1...255, using: &random)
      default:
        for _ in 0..<round {
          bytes[Int.random(in: 100..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
        }
      }
      try bytes.write(to: file)
      options.damage = DamageReport()
      log = try open()
      let added = try log.append(StoreSamples.deliveries(900..<901))
      #expect(try #require(added.first).rawValue > 30, "round \(round)")
      let read = try log.read(after: nil, limit: .max, byteLimit: .max)
      #expect(read.last?.position == added.last, "round \(round)")
      var missing = Set(1...UInt64(expected.count))
      for entry in read.dropLast() {
        missing.remove(entry.position.rawValue)
        #expect(entry.logged == expected[Int(entry.position.rawValue) - 1], "round \(round)")
      }
      for damage in options.damage.all {
        let bounds = damage.name.split(separator: " ").compactMap { UInt64($0) }
        guard let first = bounds.first, let last = bounds.last, first <= 30 else { continue }
        missing.subtract(first...min(last, 30))
      }
      #expect(missing.isEmpty, "missing in silence in round \(round)")
      log.close()
      // Every later start must give the same result.
      log = try open()
      #expect(try log.read(after: nil, limit: .max, byteLimit: .max).last?.position == added.last)
      log.close()
      for name in try directory.files() where name.hasPrefix("log-") {
        try FileManager.default.removeItem(atPath: directory.file("store/\(name)"))
      }
    }
  }

  @Test("refuses what a newer version wrote, and what is no log")
  func strangers() throws {
    let path = directory.file("store")
    let file = directory.file("store/" + LogSegment(first: 1).name)
    func rejection(_ change: String) throws -> StoreError? {
      do {
        let connection = try SQLiteConnection(path: file)
        try connection.execute(change)
      }
      return #expect(throws: StoreError.self) { try SQLiteDeliveryLog(directory: path) }
    }
    let log = try open()
    _ = try log.append(StoreSamples.deliveries(0..<1))
    log.close()
    let newer = try rejection("PRAGMA user_version = 3")
    #expect(newer?.code == .newerVersion)
    #expect(newer?.message.contains(file) == true)
    #expect(newer?.message.contains("3") == true)
    let foreign = try rejection(
      "PRAGMA user_version = 2; PRAGMA application_id = 5; ALTER TABLE delivery_commit RENAME TO somebodys")
    #expect(foreign?.code == .unusable)
    #expect(foreign?.message.contains(file) == true)

    try Data("this is not a database, but a text of some length".utf8).write(to: URL(fileURLWithPath: file))
    let noDirectory = #expect(throws: StoreError.self) { try SQLiteDeliveryLog(directory: file + "/below") }
    #expect(noDirectory?.code == .unusable)
  }
}

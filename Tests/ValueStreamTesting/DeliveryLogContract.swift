import Testing
package import ValueStreamCore

/// Checks what every delivery log must do.
package struct DeliveryLogContract: Sendable {
  /// Makes a log to which nothing was ever appended.
  package var makeLog: @Sendable () throws -> any DeliveryLog
  /// Closes a log and opens it again; nil if the log does not persist.
  package var reopen: (@Sendable (any DeliveryLog) throws -> any DeliveryLog)?

  package init(
    makeLog: @escaping @Sendable () throws -> any DeliveryLog,
    reopen: (@Sendable (any DeliveryLog) throws -> any DeliveryLog)? = nil
  ) {
    self.makeLog = makeLog
    self.reopen = reopen
  }

  // MARK: Order

  package func checkOrder() throws {
    let log = try makeLog()
    defer { log.close() }
    #expect(try log.coverage() == nil)
    #expect(try log.read(after: nil, limit: 10, byteLimit: 1 << 20).isEmpty)
    var positions: [LogPosition] = []
    var expected: [LoggedDelivery] = []
    for count in [1, 3, 1, 50, 2] {
      let batch = StoreSamples.deliveries(expected.count..<expected.count + count)
      let given = try log.append(batch)
      #expect(given.count == count)
      positions += given
      expected += batch
      #expect(try log.coverage() == positions.coverage)
    }
    #expect(zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 })
    let read = try log.read(after: nil, limit: .max, byteLimit: .max)
    #expect(read.map(\.position) == positions)
    #expect(read.map(\.logged) == expected)
    for index in positions.indices.shuffled() {
      #expect(try log.delivery(at: positions[index]) == expected[index])
      let rest = try log.read(after: LogCoverage(positions[...index]), limit: 4, byteLimit: .max)
      #expect(rest.map(\.logged) == Array(expected[(index + 1)...].prefix(4)))
    }
    let unknown = LogPosition(rawValue: try #require(positions.last).rawValue + 1)
    #expect(try log.delivery(at: unknown) == nil)
    #expect(try log.delivery(at: LogPosition(rawValue: 0)) == nil)
    #expect(try log.read(after: LogCoverage(unknown), limit: 10, byteLimit: .max).isEmpty)
    let greatest = LogPosition(writer: unknown.writer, number: LogPosition.numberLimit)
    #expect(try log.read(after: LogCoverage(greatest), limit: 10, byteLimit: .max).isEmpty)
  }

  package func checkBackwards() throws {
    let log = try makeLog()
    defer { log.close() }
    #expect(try log.readBackwards(before: nil, limit: 10, byteLimit: .max).isEmpty)
    var positions: [LogPosition] = []
    let deliveries = StoreSamples.deliveries(0..<60, bodyBytes: 1000)
    for start in stride(from: 0, to: 60, by: 12) { positions += try log.append(Array(deliveries[start..<start + 12])) }
    for step in [1, 7, 8, 25, 100] {
      var read: [LoggedDelivery] = []
      var next: LogPosition?
      while case let page = try log.readBackwards(before: next, limit: step, byteLimit: .max), let last = page.last {
        #expect(page.count <= step)
        read += page.map(\.logged)
        next = last.position
      }
      #expect(read == deliveries.reversed(), "\(step) at a time")
    }
    #expect(
      try log.readBackwards(before: positions[20], limit: 2, byteLimit: .max).map(\.position) == [positions[19], positions[18]])
    #expect(try log.readBackwards(before: positions[0], limit: 2, byteLimit: .max).isEmpty)
    #expect(try log.readBackwards(before: nil, limit: 0, byteLimit: .max).isEmpty)
    #expect(try log.readBackwards(before: nil, limit: 50, byteLimit: 0).map(\.position) == positions.suffix(1))
    #expect(try (3...5).contains(log.readBackwards(before: nil, limit: 50, byteLimit: 4000).count))
    let beyond = LogPosition(rawValue: .max)
    #expect(try log.readBackwards(before: beyond, limit: 1, byteLimit: .max).map(\.position) == positions.suffix(1))
  }

  package func checkEmptyAppend() throws {
    let log = try makeLog()
    defer { log.close() }
    #expect(try log.append([]).isEmpty)
    #expect(try log.coverage() == nil)
    let first = try log.append(StoreSamples.deliveries(0..<1))
    #expect(try log.append([]).isEmpty)
    #expect(try log.coverage() == first.coverage)
  }

  // MARK: Contents

  package func checkContents() throws {
    let log = try makeLog()
    defer { log.close() }
    let odd = Self.oddDeliveries()
    let positions = try odd.map { try log.append([$0])[0] } + log.append(odd)
    let read = try log.read(after: nil, limit: .max, byteLimit: .max)
    #expect(read.map(\.position) == positions)
    for (index, entry) in read.enumerated() {
      // Compare the fields one by one, so that a failure does not print megabytes.
      let expected = odd[index % odd.count]
      let isSameBody = entry.logged.delivery.body == expected.delivery.body
      #expect(isSameBody, "body of \(index)")
      #expect(entry.logged.delivery.headers == expected.delivery.headers)
      #expect(entry.logged.delivery.id == expected.delivery.id)
      #expect(entry.logged.delivery.source == expected.delivery.source)
      #expect(entry.logged.delivery.received == expected.delivery.received)
      #expect(entry.logged.unreadable == expected.unreadable)
    }
    #expect(try log.size() > 0)
  }

  private static func oddDeliveries() -> [LoggedDelivery] {
    let headers = HTTPHeaders([
      .init(name: "X-Empty", value: ""), .init(name: "X-Twice", value: "a"), .init(name: "X-Twice", value: "b"),
      .init(name: "x-odd", value: " \t\u{0}\r\nü\u{1F680}"), .init(name: "", value: String(repeating: "v", count: 70_000)),
    ])
    func logged(
      _ body: [UInt8], id: String? = nil, headers: HTTPHeaders = [:], nanoseconds: Int64 = 0, unreadable: PayloadError? = nil
    ) -> LoggedDelivery {
      LoggedDelivery(
        Delivery(
          source: "trello", id: id, received: Timestamp(nanoseconds: nanoseconds), headers: headers, body: body),
        unreadable: unreadable)
    }
    return [
      logged([]),
      logged([0], id: "", headers: headers, nanoseconds: .min),
      logged(Array(0...255), id: "ü\u{0}", nanoseconds: .max),
      logged(StoreSamples.randomBytes(300_000, seed: 1), nanoseconds: -1),
      logged([UInt8](repeating: 7, count: 25 << 20), id: "large"),
      logged(StoreSamples.randomBytes(1 << 20, seed: 2)),
      logged(Array("{".utf8), unreadable: PayloadError(.malformed, path: "$", reason: "cut short")),
      logged([], unreadable: PayloadError(.unsupportedMediaType, path: "", reason: "")),
      logged([1], unreadable: PayloadError(.missingIdentity, path: "$.ö[0]", reason: "missing \u{0}")),
    ]
  }

  package func checkReadLimits() throws {
    let log = try makeLog()
    defer { log.close() }
    let deliveries = StoreSamples.deliveries(0..<40, bodyBytes: 1000)
    let positions = try log.append(Array(deliveries[..<25])) + log.append(Array(deliveries[25...]))
    #expect(try log.read(after: nil, limit: 0, byteLimit: .max).isEmpty)
    #expect(try log.read(after: nil, limit: 1, byteLimit: .max).count == 1)
    #expect(try log.read(after: nil, limit: 30, byteLimit: .max).count == 30)
    #expect(try log.read(after: nil, limit: 100, byteLimit: 0).count == 1, "at least one, however small the limit")
    let some = try log.read(after: nil, limit: 100, byteLimit: 10_000).count
    #expect((9...11).contains(some), "about as many bytes as asked for")
    for step in [1, 7, 24, 25, 26] {
      var read: [LoggedDelivery] = []
      var last: LogCoverage?
      while case let page = try log.read(after: last, limit: step, byteLimit: .max), let end = page.last {
        #expect(page.count <= step)
        read += page.map(\.logged)
        last = last.union(LogCoverage(end.position))
      }
      #expect(read == deliveries)
      #expect(last == positions.coverage)
    }
  }

  // MARK: Retention

  package func checkRetention() throws {
    let log = try makeLog()
    defer { log.close() }
    var positions: [LogPosition] = []
    // Bodies that do not compress fill the segments.
    for number in 0..<60 {
      var logged = StoreSamples.delivery(number)
      logged.delivery.body = StoreSamples.randomBytes(20_000, seed: UInt64(number))
      positions += try log.append([logged])
    }
    let future = StoreSamples.time(1_000_000)
    func kept() throws -> [LogPosition] { try log.read(after: nil, limit: .max, byteLimit: .max).map(\.position) }

    try log.removeOld(receivedBefore: future, maximumBytes: 0, projected: nil)
    #expect(try kept() == positions, "nothing is removed before anything was projected")
    try log.removeOld(receivedBefore: StoreSamples.time(0), maximumBytes: .max, projected: positions.coverage)
    #expect(try kept() == positions, "nothing is old and nothing too much")
    try log.removeOld(receivedBefore: future, maximumBytes: 0, projected: LogCoverage(positions[19]))
    var rest = try kept()
    #expect(rest.suffix(40) == positions.suffix(40), "what was not projected is kept")
    #expect(rest.count < 60, "what was projected goes")
    try log.removeOld(receivedBefore: StoreSamples.time(30), maximumBytes: .max, projected: positions.coverage)
    rest = try kept()
    #expect(rest.suffix(30) == positions.suffix(30), "what is young is kept")
    #expect(rest.count < 40)
    let size = try log.size()
    try log.removeOld(receivedBefore: StoreSamples.time(0), maximumBytes: size - 1, projected: positions.coverage)
    #expect(try log.size() < size)
    try log.removeOld(receivedBefore: future, maximumBytes: 0, projected: positions.coverage)
    rest = try kept()
    #expect(rest.elementsEqual(positions.suffix(rest.count)))
    #expect(try log.delivery(at: positions[0]) == nil)
    #expect(try log.read(after: LogCoverage(positions[0]), limit: .max, byteLimit: .max).map(\.position) == rest)
    #expect(try log.coverage() == positions.coverage)
    let next = try log.append(StoreSamples.deliveries(60..<61))
    #expect(next[0] > positions[59])
  }

  // MARK: Concurrency

  package func checkReadersBesideWriter() async throws {
    let log = try makeLog()
    defer { log.close() }
    let total = 400
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for start in stride(from: 0, to: total, by: 5) { _ = try log.append(StoreSamples.deliveries(start..<start + 5)) }
      }
      for reader in 1...4 {
        group.addTask {
          var read: [LoggedDelivery] = []
          var last: LogCoverage?
          while read.count < total {
            let page = try log.read(after: last, limit: reader * 7, byteLimit: .max)
            read += page.map(\.logged)
            last = last.union(page.map(\.position).coverage)
            if let newest = page.last?.position { #expect(try log.delivery(at: newest) == read.last) }
            await Task.yield()
          }
          #expect(read == StoreSamples.deliveries(0..<total))
        }
      }
      try await group.waitForAll()
    }
  }

  // MARK: Persistence

  package func checkReopening() throws {
    let reopen = try #require(reopen)
    var log = try makeLog()
    defer { log.close() }
    var expected: [LoggedDelivery] = []
    var positions: [LogPosition] = []
    for round in 0..<4 {
      for _ in 0..<3 {
        let batch = StoreSamples.deliveries(expected.count..<expected.count + 3)
        positions += try log.append(batch)
        expected += batch
      }
      log = try reopen(log)
      #expect(try log.coverage() == positions.coverage, "round \(round)")
      let read = try log.read(after: nil, limit: .max, byteLimit: .max)
      #expect(read.map(\.position) == positions)
      #expect(read.map(\.logged) == expected)
    }
    #expect(zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 })
    try log.removeOld(receivedBefore: StoreSamples.time(1_000_000), maximumBytes: 0, projected: positions.coverage)
    log = try reopen(log)
    #expect(try log.coverage() == positions.coverage, "places go on after everything old was removed")
  }
}

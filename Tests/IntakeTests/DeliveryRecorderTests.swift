import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import Intake

@Suite("The road to the log")
struct DeliveryRecorderTests {
  private static func delivery(_ number: Int?, bytes: Int = 1) -> PendingDelivery {
    let delivery = Delivery(source: "fake", received: .epoch, headers: [:], body: Array(repeating: 1, count: bytes))
    return PendingDelivery(
      logged: LoggedDelivery(delivery), interpretation: .ignored(reason: ""), fingerprint: number.map(fingerprint))
  }

  private static func fingerprint(_ number: Int) -> DeliveryFingerprint {
    DeliveryFingerprint(high: 1, low: UInt64(number), received: .epoch)
  }

  /// Submits batches one after another, writes them in one commit and returns the outcomes per batch.
  private static func outcomes(
    of batches: [[Int?]], in log: FakeDeliveryLog, known: [Int] = []
  ) throws -> [[RecordingOutcome]] {
    let recent = RecentDeliveries()
    recent.preload(known.map(fingerprint))
    let recorder = try DeliveryRecorder(log: log, sink: FakeDeliverySink(), recent: recent)
    let results = Results()
    for (index, numbers) in batches.enumerated() {
      let taken = recorder.submit(numbers.map { delivery($0) }) { results.note($0, of: index) }
      #expect(taken == numbers.count)
    }
    recorder.finish()
    recorder.serve()
    return batches.indices.map { results.outcomes[$0] ?? [] }
  }

  private final class Results: Sendable {
    private let state = Mutex<[Int: [RecordingOutcome]]>([:])

    var outcomes: [Int: [RecordingOutcome]] { state.withLock(\.self) }

    func note(_ outcomes: [RecordingOutcome], of batch: Int) {
      state.withLock { $0[batch] = outcomes }
    }
  }

  @Test("deliveries that repeat each other within one commit are duplicates")
  func duplicatesWithin() throws {
    let log = FakeDeliveryLog()
    let outcomes = try Self.outcomes(of: [[1, 2, 1], [nil, nil, 2, 9]], in: log, known: [9])
    #expect(outcomes == [[.recorded, .recorded, .duplicate], [.recorded, .recorded, .duplicate, .duplicate]])
    #expect(log.appendSizes == [4])
  }

  @Test("when nothing could be kept, a repetition of it is not a duplicate, but one of something kept is")
  func duplicatesOfFailures() throws {
    let log = FakeDeliveryLog()
    log.fail(with: StoreError(.inputOutput, "no"))
    #expect(try Self.outcomes(of: [[1, 1, 9]], in: log, known: [9]) == [[.unavailable, .unavailable, .duplicate]])
  }

  @Test("only duplicates need no commit")
  func onlyDuplicates() throws {
    let log = FakeDeliveryLog()
    #expect(try Self.outcomes(of: [[1]], in: log, known: [1]) == [[.duplicate]])
    #expect(log.appendSizes.isEmpty)
  }

  @Test("the queue takes so many deliveries and bytes, and nothing once it is finishing")
  func bounds() throws {
    var limits = DeliveryRecorder.Limits()
    limits.deliveries = 3
    limits.bytes = 10
    let recorder = try DeliveryRecorder(
      log: FakeDeliveryLog(), sink: FakeDeliverySink(), recent: RecentDeliveries(), limits: limits)
    #expect(recorder.submit([Self.delivery(1, bytes: 20), Self.delivery(2)]) { _ in } == 1)
    #expect(recorder.waitingBytes == 20)
    #expect(recorder.submit([Self.delivery(3)]) { _ in } == 0)
    recorder.finish()
    recorder.serve()
    #expect(recorder.waitingBytes == 0)
    #expect(recorder.waitingCount == 0)
    #expect(recorder.submit([Self.delivery(3)]) { _ in } == 0)
  }

  @Test("the sink hears of deliveries in order, with their places, before they are answered")
  func sinkFirst() throws {
    let sink = FakeDeliverySink()
    let recorder = try DeliveryRecorder(log: FakeDeliveryLog(), sink: sink, recent: RecentDeliveries())
    let results = Results()
    let taken = recorder.submit([Self.delivery(1), Self.delivery(2)]) { outcomes in
      results.note(outcomes, of: sink.deliveries.count)
    }
    #expect(taken == 2)
    recorder.finish()
    recorder.serve()
    #expect(results.outcomes == [2: [.recorded, .recorded]])
    #expect(sink.deliveries.map(\.position.rawValue) == [1, 2])
    #expect(sink.deliveries.map(\.fingerprint) == [Self.fingerprint(1), Self.fingerprint(2)])
  }

  @Test("the newest fingerprints are known, and no others")
  func bounded() {
    let recent = RecentDeliveries(capacity: 700)
    // The fingerprints are close together, so that probing collides and wraps around the end of the table.
    let all = (0..<5000).map { number in
      DeliveryFingerprint(high: UInt64(number), low: UInt64(number / 3) &* 0x9e37_79b9, received: .epoch)
    }
    for (index, fingerprint) in all.enumerated() {
      #expect(recent.insert(fingerprint, at: LogPosition(rawValue: UInt64(index + 1))))
      if index % 500 == 499 {
        let newest = max(0, index - 699)...index
        #expect(all.indices.filter { recent.contains(all[$0]) } == Array(newest))
      }
    }
    recent.removeAll()
    #expect(!recent.contains(all[4999]))
  }
}

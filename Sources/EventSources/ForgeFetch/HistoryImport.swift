package import APIClient
import IntakeClient
package import ValueStreamCore

/// Imports history: reads a vendor's API page by page, and passes the deliveries on. After each page, saves where to go on.
package struct HistoryImport {
  /// How to read, and what to tell the user.
  package struct Options: Sendable {
    /// The time to go back to; nil for everything.
    package var since: Timestamp?
    /// The number of containers to read at the same time.
    package var concurrency: Int
    /// The flag that limits the number of containers, for a note; nil if there is none.
    package var containerLimitFlag: String?

    package init(since: Timestamp?, concurrency: Int, containerLimitFlag: String? = nil) {
      self.since = since
      self.concurrency = concurrency
      self.containerLimitFlag = containerLimitFlag
    }
  }

  private let statePath: String
  private let fingerprint: [String]
  private let earlier: FetchState?
  private let progress: FetchProgress

  /// When the import began. A resumed import keeps the time of its first run.
  package let began: Timestamp

  /// Returns the path of the state beside a file.
  package static func statePath(for file: String) -> String { FetchState.path(for: file) }

  /// Prepares an import.
  ///
  /// - Parameters:
  ///   - statePath: The file that holds the position of an unfinished import.
  ///   - fingerprint: The command and the settings that decide on what is imported. They must not change on resume.
  ///   - isResumed: True to go on where an earlier run ended, if there is one.
  /// - Throws: ``FetchError`` if the state to resume is damaged or has another fingerprint.
  package init(stateAt statePath: String, fingerprint: [String], isResumed: Bool, progress: FetchProgress) throws(FetchError) {
    self.statePath = statePath
    self.fingerprint = fingerprint
    self.progress = progress
    (earlier, began) = try FetchState.resume(at: isResumed ? statePath : nil, settings: fingerprint)
  }

  /// Returns what the import takes, as a table for people. Imports nothing.
  ///
  /// - Throws: ``FetchError`` if the API cannot be asked.
  package func plan(_ importer: any Importer, _ options: Options) async throws -> String {
    do {
      let names = try await containers(of: importer, options)
      return try await ImportPlan(importer, names, concurrency: options.concurrency, progress).text()
    } catch let error as APIError {
      throw FetchError(.unavailable, "\(error); \(Self.hint)")
    }
  }

  /// Imports everything.
  ///
  /// - Parameter makeSink: Makes what takes the deliveries, for the number of bytes of its file to keep.
  /// - Throws: ``FetchError`` if the API, a container or the receiver fails, or an error of `makeSink`. What was imported stays,
  ///   and a later run can go on.
  package func run(
    _ importer: any Importer, _ options: Options, into makeSink: (_ bytes: Int64) throws -> ImportSink
  ) async throws {
    do {
      var state: FetchState
      if var earlier {
        earlier.retryFailed()
        state = earlier
      } else {
        state = FetchState(settings: fingerprint, began: began, containers: try await containers(of: importer, options))
      }
      var sink = try makeSink(state.bytes)
      progress.begin(containers: state.total, done: state.total - state.containers.count, rows: state.rows)
      let horizons = horizons(since: options.since)
      var noted: [String: Int] = [:]
      for round in min(state.round ?? 0, horizons.count - 1)..<horizons.count {
        state.round = round
        let run = ContainerRun<ImportedDelivery>(
          importer, limit: nil, concurrency: options.concurrency, pagesAhead: 1, horizon: horizons[round])
        try await run.run(state.containers) { step in
          do {
            state.bytes += try await sink.take(step.rows)
          } catch let error as SendError {
            throw FetchError(.unavailable, "\(error); \(Self.hint)")
          } catch let error as OutputError {
            throw FetchError(.unwritable, "\(error); \(Self.hint)")
          }
          state.advance(by: step)
          try state.write(at: statePath)
          show(step, &noted)
        }
      }
      try finish(state, sink.name)
    } catch let error as APIError {
      throw FetchError(.unavailable, "\(error); \(Self.hint)")
    }
  }

  private static let hint = "what was imported stays, and --resume goes on from here"

  /// Returns how far back each round reads. The last weeks of all containers come first, so that reports have them soon.
  private func horizons(since: Timestamp?) -> [Timestamp?] {
    let times = Self.roundDays.map { began.advanced(bySeconds: -$0 * 86_400) }
    return times.filter { time in since.map { $0 < time } ?? true } + [nil]
  }

  private static let roundDays = [30.0, 120.0]

  /// Shows a page.
  ///
  /// - Parameter noted: the number of notes of each container. A list that lacks something for every record would bury all else.
  private func show(_ step: ContainerRun<ImportedDelivery>.Step, _ noted: inout [String: Int]) {
    progress.show(step)
    let name = step.container.name
    for note in step.notes.prefix(max(0, Self.shownNotes - (noted[name] ?? 0))) { progress.note("\(name): \(note)") }
    noted[name, default: 0] += step.notes.count
    if step.isLast, let count = noted.removeValue(forKey: name), count > Self.shownNotes {
      progress.note("\(name): \(count - Self.shownNotes) more lines like these")
    }
    if let error = step.failure { progress.note("\(name) is left out: \(error)") }
  }

  private static let shownNotes = 10

  private func containers(of importer: any Importer, _ options: Options) async throws -> [String] {
    let containers = try await importer.containers()
    progress.note(containers, limitFlag: options.containerLimitFlag)
    return containers.names
  }

  private func finish(_ state: FetchState, _ name: String) throws(FetchError) {
    progress.finish(rows: state.rows, to: name)
    guard state.failed.isEmpty else {
      let names = state.failed.map(\.name).joined(separator: ", ")
      throw FetchError(
        .unavailable,
        "\(state.failed.count) of \(state.total) could not be read: \(names); all others are imported, and --resume asks for these again"
      )
    }
    FetchState.remove(at: statePath)
    if let missing = state.missing, missing > 0 {
      throw FetchError(
        .incomplete,
        "\(missing == 1 ? "1 record" : "\(missing) records") could not be read by the server; all others are imported")
    }
  }
}

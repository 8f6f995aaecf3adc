import Foundation
import Simulator
import Synchronization
import ValueStreamCore
import ValueStreamTesting

/// A vsd with a part of a generated year, up to now. The tests of this process that only read it share it, as it takes long to fill.
struct SharedYear {
  static let days = 100
  static let scale = 0.2
  static let seed: UInt64 = 1

  let vsd: VSDProcess
  let configuration: HistoryConfiguration
  var url: String { "http://127.0.0.1:\(vsd.ports[0])" }

  /// The teams of the company in the history.
  static let teams =
    "web=harbour/shop;payments=harbour/payments,PAY;platform=harbour/platform,gateway,search,PLAT;data=harbour/reports,reports"

  /// Filled by the first test that asks. The others wait.
  static let whole = Result {
    let year = try SharedYear(days: days, scale: scale, seed: seed)
    running.withLock { $0.append(year.vsd) }
    // A static value is never released, so nothing else would end vsd.
    atexit {
      SharedYear.running.withLock { processes in
        for vsd in processes { vsd.send(SIGKILL) }
      }
    }
    return year
  }

  private static let running = Mutex<[VSDProcess]>([])

  /// Starts a vsd and sends it a history.
  init(days: Int, scale: Double, seed: UInt64) throws {
    vsd = try VSDProcess(["--store=memory", "--tracer=none", "--teams", Self.teams])
    // Verdicts depend on the age of a release, so the history ends now.
    let until = Timestamp(seconds: SystemClock().now().seconds)
    configuration = HistoryConfiguration(seed: seed, days: days, scale: scale, until: until)
    let sent = try VSPerf.run([
      "generate", "history", "--story=year", "--seed=\(seed)", "--days=\(days)", "--scale=\(scale)", "--until=\(until.rfc3339)",
      "--connections=8", "--send", url,
    ])
    guard sent.exit == .code(0) else { throw TestFailure(sent.errors) }
    try vsd.waitForAllFacts()
  }
}

import Glibc
import SourceFuzzing

/// Feeds generated payloads to a source and prints the results: `fuzz-sources TESTS SOURCE FIRST COUNT`.
///
/// `make fuzz` runs it with AddressSanitizer. After a trap or a hang, the file `fuzz-SOURCE.number` in the working directory
/// holds the number of the payload as eight bytes. `fuzz-sources TESTS SOURCE --show NUMBER` prints that payload.
/// `fuzz-sources --names` prints the names of all sources.
@main
enum FuzzSources {
  /// The limit of processor time per payload, with sanitizer overhead. Time on the wall says little on a busy machine.
  private static let secondsEach = 20
  private static let greatestMegabytes = 1024

  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments == ["--names"] { return print(SourceFuzzer.names.joined(separator: " ")) }
    guard arguments.count == 4, let count = UInt64(arguments[3]) else {
      print("usage: fuzz-sources TESTS SOURCE FIRST COUNT, fuzz-sources TESTS SOURCE --show NUMBER, or fuzz-sources --names")
      exit(64)
    }
    let fuzzer = try SourceFuzzer(arguments[1], tests: arguments[0])
    if arguments[2] == "--show" {
      let payload = fuzzer.payload(count)
      _ = payload.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      return
    }
    guard let first = UInt64(arguments[2]) else { exit(64) }
    let place = mapFile("fuzz-\(arguments[1]).number")
    var counts = SourceFuzzer.Counts()
    var failures = 0
    for number in first..<first + count {
      place?.storeBytes(of: number, as: UInt64.self)
      limitTime(to: secondsEach)
      do {
        try fuzzer.feed(number, counting: &counts)
      } catch {
        print("payload \(number) of \(arguments[1]): \(error)")
        failures += 1
      }
    }
    limitTime(to: 0)
    unlink("fuzz-\(arguments[1]).number")
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let megabytes = usage.ru_maxrss / 1024
    print(
      "\(arguments[1]): \(count) payloads, \(counts.understood) understood, \(counts.ignored) ignored, \(counts.refused) refused,"
        + " \(failures) wrong, at most \(megabytes) MB")
    if failures > 0 || megabytes > greatestMegabytes { exit(1) }
  }

  /// Ends the process once it has used this much more processor time; 0 for no limit.
  private static func limitTime(to seconds: Int) {
    var timer = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: seconds, tv_usec: 0))
    setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
  }

  /// Maps a file of eight bytes into memory. Its content survives a crash of the process.
  private static func mapFile(_ name: String) -> UnsafeMutableRawPointer? {
    let descriptor = open(name, O_RDWR | O_CREAT, 0o600)
    guard descriptor >= 0, ftruncate(descriptor, 8) == 0 else { return nil }
    defer { close(descriptor) }
    let memory = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    return memory == MAP_FAILED ? nil : memory
  }
}

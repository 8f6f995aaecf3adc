import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Packs small programs as `make dist` packs vsd and vsperf, and looks at what comes out. `make test-dist` installs the real ones.
@Suite("Releases", .enabled(if: Checkout.canMakeRelease, "needs git, gcc, jq and dpkg-dev, and a git checkout"))
struct ReleaseTests {
  private static let version = run("Scripts/version").output.split(separator: "\n").first.map(String.init) ?? ""

  private struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// A folder with a release, made once for all tests, and removed with the process.
  private static let made: Result<Release, any Error> = Result {
    let release = try Release()
    atexit {
      if case .success(let release) = ReleaseTests.made { try? FileManager.default.removeItem(atPath: release.folder) }
    }
    return release
  }

  private final class Release: Sendable {
    let folder: String
    let second: String
    let archive: String
    let package: String

    init() throws {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("vsd-release-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      folder = path
      second = "\(path)/again"
      let stamp = "Sources/SystemLibraries/CReleaseStamp"
      try Self.succeed(
        "gcc", "-I\(stamp)/include", "Tests/Release/stand-in.c", "\(stamp)/release_stamp.c", "-o", "\(path)/stand-in",
        "-lsqlite3",
        "-lmicrohttpd")
      try Self.succeed("Scripts/dist", "--out", "\(path)/first", "\(path)/stand-in", "\(path)/stand-in")
      // The second time from copies of another age, with another umask.
      try Self.succeed(
        "sh", "-c",
        "umask 077 && sleep 1 && cp \(path)/stand-in \(path)/other && TZ=Asia/Tokyo Scripts/dist --out \(path)/again \(path)/other \(path)/other"
      )
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/first")
      archive = try #require(names.first { $0.hasSuffix(".tar.gz") })
      package = try #require(names.first { $0.hasSuffix(".deb") })
      try Self.succeed("tar", "-C", path, "-xzf", "\(path)/first/\(archive)")
      try Self.succeed("dpkg-deb", "--raw-extract", "\(path)/first/\(package)", "\(path)/package")
    }

    /// The folder that the archive unpacks to.
    var unpacked: String { "\(folder)/\(archive.dropLast(".tar.gz".count))" }

    func text(_ path: String) throws -> String { try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8) }

    private static func succeed(_ arguments: String...) throws {
      let ended = Checkout.run(arguments)
      guard ended.code == 0 else { throw Failure(description: "\(arguments.joined(separator: " ")):\n\(ended.output)") }
    }
  }

  @Test("the same programs and commit give the same bytes")
  func reproducible() throws {
    let release = try Self.made.get()
    let compared = Self.run("diff", "--recursive", "--brief", "\(release.folder)/first", release.second)
    #expect(compared.code == 0, "\(compared.output)")
    let checked = Self.run("sh", "-c", "cd \(release.folder)/first && sha256sum --check --strict SHA256SUMS")
    #expect(checked.code == 0, "\(checked.output)")
    #expect(checked.output.split(separator: "\n").count == 3)
    let inside = Self.run(
      "sh", "-c", "cd \(release.unpacked) && sha256sum --check --quiet --strict share/doc/valuestream/SHA256SUMS")
    #expect(inside.code == 0, "\(inside.output)")
  }

  @Test("the archive has what it promises, all of it root's")
  func archive() throws {
    let release = try Self.made.get()
    let listed = Self.run("tar", "--numeric-owner", "-tvzf", "\(release.folder)/first/\(release.archive)").output.split(
      separator: "\n")
    #expect(listed.allSatisfy { $0.contains(" 0/0 ") })
    for file in [
      "bin/vsd", "bin/vsperf", "share/man/man1/vsd.1.gz", "share/man/man1/vsperf.1.gz", "share/bash-completion/completions/vsd",
      "share/bash-completion/completions/vsperf", "share/zsh/site-functions/_vsd", "share/zsh/site-functions/_vsperf",
      "share/fish/vendor_completions.d/vsd.fish", "share/fish/vendor_completions.d/vsperf.fish",
      "share/valuestream/prometheus-rules.yml", "share/valuestream/dashboards/daemon.json",
      "lib/systemd/system/valuestream.service",
      "share/doc/valuestream/LICENSE", "share/doc/valuestream/valuestream.spdx.json",
    ] {
      let size = try FileManager.default.attributesOfItem(atPath: "\(release.unpacked)/\(file)")[.size] as? Int
      #expect(size ?? 0 > 0, "\(file)")
    }
    let page = Self.run("sh", "-c", "gzip -dc \(release.unpacked)/share/man/man1/vsd.1.gz | head -n 1").output
    #expect(page.contains("\"ValueStream \(Self.version)\"") && !page.contains("@"), "\(page)")
  }

  @Test("programs say the version of the release, and that version is the commit's")
  func version() throws {
    let release = try Self.made.get()
    #expect(Self.run("\(release.unpacked)/bin/vsd", "--version").output == "stand-in \(Self.version)\n")
    #expect(release.archive.hasPrefix("valuestream-\(Self.version)-linux-"))
    // A tag that is another version than the code's is an error, and commits after a tag and without one say so.
    let repository = "\(release.folder)/repository"
    let script = """
      set -e; cd \(repository); unset GIT_DIR
      say() { Scripts/version 2>&1 || echo "ended with $?"; }
      git init -q .; git add .; git -c user.name=a -c user.email=a@b commit -q -m one; say; touch more; say
      git add more; say; git -c user.name=a -c user.email=a@b commit -q -m two; git tag v\(ValueStreamVersion.current); say
      git -c user.name=a -c user.email=a@b commit -q --allow-empty -m three; say; git tag v9.0.0; say
      """
    let code = "\(repository)/Sources/ValueStreamCore/Model"
    for folder in [code, "\(repository)/Scripts"] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    let root = MarkdownPage.root.path
    try FileManager.default.copyItem(atPath: "\(root)/Scripts/version", toPath: "\(repository)/Scripts/version")
    try FileManager.default.copyItem(
      atPath: "\(root)/Sources/ValueStreamCore/Model/ValueStreamVersion.swift", toPath: "\(code)/ValueStreamVersion.swift")
    let said = Self.run("sh", "-c", script).output.split(separator: "\n").map { line in
      String(line).replacing(#/g[0-9a-f]{7}/#, with: "gHASH")
    }
    let now = ValueStreamVersion.current
    #expect(
      said == [
        "\(now)-dev.1.gHASH", "\(now)-dev.1.gHASH", "\(now)-dev.1.gHASH.dirty", now, "\(now)+1.gHASH",
        "version: the tag v9.0.0 is on a commit whose code names version \(now) (ValueStreamVersion.swift)", "ended with 65",
      ])
  }

  @Test("the package depends on the libraries of its programs, and keeps its settings in an upgrade")
  func package() throws {
    let release = try Self.made.get()
    let control = try release.text("package/DEBIAN/control")
    let depends = try #require(control.firstMatch(of: /(?m)^Depends: (.*)$/)?.output.1)
    for name in ["libc6 (>= ", "libmicrohttpd12 (>= ", "libsqlite3-0 (>= ", "adduser"] {
      #expect(depends.contains(name), "\(name)")
    }
    let order = Self.run(
      "dpkg", "--compare-versions", control.firstMatch(of: /(?m)^Version: (.*)$/).map { String($0.output.1) } ?? "",
      Self.version.contains("-dev.") ? "lt" : "ge", ValueStreamVersion.current)
    #expect(order.code == 0)
    #expect(try release.text("package/DEBIAN/conffiles") == "/etc/valuestream/vsd.json5\n")
    let settings = "\(release.folder)/package/etc/valuestream/vsd.json5"
    let parsed = Self.run(
      try #require(Self.debugProgram("vsd")), "check", "--config", settings, "--store", "\(release.folder)/none")
    #expect(!parsed.output.contains("vsd.json5"), "\(parsed.output)")
    #expect(Self.run("sh", "-c", "cd \(release.folder)/package && md5sum --check --quiet DEBIAN/md5sums").code == 0)
  }

  @Test(
    "systemd knows every line of the package's unit, and finds it confined",
    .enabled(if: PackagingTests.run("systemd-analyze", "--version").code == 0))
  func unit() throws {
    let release = try Self.made.get()
    let unit = try release.text("package/usr/lib/systemd/system/valuestream.service")
    #expect(unit.contains("ExecStart=/usr/bin/vsd --config /etc/valuestream/vsd.json5\n"))
    #expect(!unit.contains("DynamicUser") && !unit.contains("LoadCredential"))
    // systemd checks that the program exists.
    let path = "\(release.folder)/valuestream.service"
    try unit.replacing("/usr/bin/vsd", with: "/bin/true").write(toFile: path, atomically: true, encoding: .utf8)
    let verified = Self.run("systemd-analyze", "verify", path)
    #expect(verified.code == 0 && !verified.output.contains("valuestream.service"), "\(verified.output)")
    let judged = Self.run("systemd-analyze", "security", "--offline=true", "--threshold=20", path)
    #expect(judged.code == 0, "\(judged.output)")
  }

  @Test("the SBOM lists what is linked")
  func sbom() throws {
    let release = try Self.made.get()
    let listed = Self.run(
      "jq", "-r", #".relationships[] | "\(.relationshipType) \(.relatedSpdxElement)""#,
      "\(release.unpacked)/share/doc/valuestream/valuestream.spdx.json"
    ).output.split(separator: "\n")
    for line in [
      "DESCRIBES SPDXRef-valuestream", "DYNAMIC_LINK SPDXRef-deb-libsqlite3-0", "DYNAMIC_LINK SPDXRef-deb-libmicrohttpd12",
      "DEPENDS_ON SPDXRef-deb-libgnutls30",
    ] { #expect(listed.contains(Substring(line)), "\(line)") }
    #expect(!listed.contains { $0.contains("libcurl4") || $0.contains("swift") })
    let versions = Self.run(
      "jq", "-r", ".packages[].versionInfo", "\(release.unpacked)/share/doc/valuestream/valuestream.spdx.json")
    #expect(versions.output.split(separator: "\n").count == listed.count && !versions.output.contains("null"))
  }

  @Test("a program that needs Swift is refused")
  func needsSwift() throws {
    let release = try Self.made.get()
    let vsd = try #require(Self.debugProgram("vsd"))
    let refused = Self.run("Scripts/dist", "--out", "\(release.folder)/refused", vsd, vsd)
    #expect(refused.code == 65 && refused.output.contains("needs a Swift installation"), "\(refused.output)")
  }

  /// Returns a program beside the test runner.
  private static func debugProgram(_ name: String) -> String? {
    guard let runner = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
    return URL(fileURLWithPath: runner).deletingLastPathComponent().appendingPathComponent(name).path
  }

  private static func run(_ arguments: String...) -> (code: Int32, output: String) { Checkout.run(arguments) }
}

/// Programs that run in the root of the checkout.
private enum Checkout {
  static let canMakeRelease =
    run(["sh", "-c", "command -v gcc jq dpkg-deb dpkg-shlibdeps objcopy >/dev/null && git rev-parse HEAD"]).code == 0

  static func run(_ arguments: [String]) -> (code: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = MarkdownPage.root
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    guard (try? process.run()) != nil else { return (127, "") }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}

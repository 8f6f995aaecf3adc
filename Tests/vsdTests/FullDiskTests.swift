import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("A start where nothing can be written", .enabled(if: SmallDisk.isPossible))
struct FullDiskTests {
  /// Runs vsd on a small disk, ends it, takes the disk's room or the right to write, runs it again, and gives it back: each step when a file of
  /// that name is there.
  private static let script = """
    disk="$home/disk"; mkdir "$disk" && mount -t tmpfs -o size=16m tmpfs "$disk" || exit 77
    run() {
      "$vsd" --addr 127.0.0.1:0 --listening-file "$home/listening-$1" --tracer=none --store "$disk/store" & pid=$!
      until [ -e "$home/end-$1" ]; do sleep 0.02; done
      kill -"$2" $pid; wait $pid
    }
    if [ "$when" != fresh ]; then run 1 "$signal"; fi
    if [ "$obstacle" = full ]; then
      mkdir -p "$disk/store"
      cat /dev/zero > "$disk/filler" 2> "$home/ignored"; dd if=/dev/zero of="$disk/filler-2" bs=1 2> "$home/ignored"
    else
      mount -o remount,ro "$disk"
    fi
    (
      until [ -e "$home/room" ]; do sleep 0.02; done
      if [ "$obstacle" = full ]; then rm "$disk/filler" "$disk/filler-2"; else mount -o remount,rw "$disk"; fi
    ) &
    run 2 TERM
    """

  private struct Server {
    let home: VSDProcess.Home
    let child: ChildProcess

    func listening(_ run: Int) throws -> UInt16 {
      try child.wait(for: "the start") {
        try? String(contentsOfFile: "\(home.path)/listening-\(run)", encoding: .utf8)
      }.split(separator: "\n").first?.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    }

    func tell(_ name: String) throws { _ = try home.write(name, "") }
  }

  private static func get(_ path: String, _ port: UInt16) throws -> HTTPConnection.Response {
    try HTTPConnection(port: port).request("GET", path)
  }

  private static func post(_ id: String, _ port: UInt16) throws -> HTTPConnection.Response {
    try HTTPConnection(port: port).request("POST", "/customhttp", body: Payloads.custom("start", id))
  }

  private static func spanCount(_ port: UInt16) throws -> Int {
    let response = try get("/api/v1/spans", port)
    #expect(response.status == 200, "\(response.body)")
    return try JSON(parsing: response.body)["spans"]?.list.count ?? -1
  }

  @Test(
    "serves what can be read, says why it is not ready, and takes deliveries by itself when it can write again",
    arguments: [
      ("full", "after a stop", "TERM"), ("full", "after a crash", "KILL"), ("full", "fresh", ""),
      ("read-only", "after a stop", "TERM"), ("read-only", "after a crash", "KILL"),
    ])
  func start(obstacle: String, when: String, signal: String) throws {
    let home = try VSDProcess.Home()
    let child = try ChildProcess(
      "/bin/sh", ["-c", "exec unshare -Urm /bin/sh -c \"$script\""],
      environment: [
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "script": Self.script, "vsd": try VSDProcess.binary(), "home": home.path,
        "obstacle": obstacle, "when": when, "signal": signal,
      ])
    let server = Server(home: home, child: child)
    var known = 0
    if when != "fresh" {
      let port = try server.listening(1)
      for id in ["d1", "d2"] { #expect(try Self.post(id, port).status == 200) }
      known = try Self.spanCount(port)
      #expect(known == 2)
      try server.tell("end-1")
    }
    let port = try server.listening(2)
    #expect(try Self.get("/healthz", port).status == 200)
    let ready = try Self.get("/readyz", port)
    #expect(ready.status == 503)
    #expect(ready.body.contains("nothing can be written: "), "\(ready.body)")
    #expect(try Self.spanCount(port) == known)
    #expect(try Self.get("/api/v1/deliveries", port).status == 200)
    #expect(try Self.get("/metrics", port).status == 200)
    for id in ["d3", "d4"] {
      let answer = try Self.post(id, port)
      #expect(answer.status == 503)
      #expect(answer.headers["retry-after"] != nil, "\(answer.headers)")
    }
    try server.tell("room")
    try child.wait(for: "it to be ready") { try Self.get("/readyz", port).status == 200 ? true : nil }
    #expect(try Self.post("d3", port).status == 200)
    try child.wait(for: "its span") { try Self.spanCount(port) == known + 1 ? true : nil }
    try server.tell("end-2")
    #expect(try child.waitForExit() == .code(0), "\(child.output)\(child.errors)")
  }
}

private enum SmallDisk {
  /// A small disk of one's own takes a mount namespace, which not every system gives.
  static let isPossible: Bool = {
    let child = try? ChildProcess(
      "/bin/sh", ["-c", "unshare -Urm mount -t tmpfs tmpfs /tmp"], environment: ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"])
    return (try? child?.waitForExit()) == .code(0)
  }()
}

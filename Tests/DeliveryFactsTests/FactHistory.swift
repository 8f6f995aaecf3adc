import ValueStreamCore

/// A generated history of two repositories, with everything that makes facts depend on each other.
struct FactHistory {
  private(set) var world = FactWorld()
  private var random: SeededRandom
  private var minute = 10.0
  private var number = 0
  /// Minutes by which the clock of the deploys is ahead of that of the pushes.
  private let deployClock: Double

  private struct Repository {
    var name: String
    var main: [String]
    var open: [FactWorld.Request] = []
    var merged: [FactWorld.Request] = []
    var services: [String?]
    var issues: [String] = []
    var incidents: [String] = []
  }

  private var repositories: [Repository]
  private var current = 0

  init(seed: UInt64, steps: Int = 60) {
    random = SeededRandom(seed: seed)
    deployClock = [0, 0, -7, 3][Int(seed % 4)]
    repositories = [
      Repository(name: "1", main: ["1m0"], services: [nil]), Repository(name: "2", main: ["2m0"], services: ["cart", "web"]),
    ]
    for index in repositories.indices {
      enter(index)
      world.push("main", at: minute, from: "b\(index)", to: repositories[index].main[0])
    }
    for _ in 0..<steps {
      minute += Double(Int.random(in: 1...90, using: &random))
      enter(Int.random(in: repositories.indices, using: &random))
      act()
    }
  }

  private mutating func enter(_ index: Int) {
    current = index
    world.repository = repositories[index].name
  }

  private mutating func commit(_ kind: String) -> String {
    number += 1
    return "\(repositories[current].name)\(kind)\(number)"
  }

  private mutating func act() {
    switch Int.random(in: 0...19, using: &random) {
    case 0...3: openRequest()
    case 4...7: mergeRequest()
    case 8: pushDirectly()
    case 9...14: deploy()
    case 15: work()
    case 16: issue()
    case 17: incident()
    case 18: run()
    default: revert()
    }
  }

  private var main: String { repositories[current].main.last ?? "" }

  private mutating func openRequest() {
    number += 1
    let request = number
    let branch = random.oneIn(5) ? "hotfix/\(request)" : "topic\(request)"
    let head = commit("h")
    if random.oneIn(2) { world.push(branch, at: minute - 3, from: nil, to: main, [main]) }
    world.push(branch, at: minute - 2, from: main, to: head)
    var opened = FactWorld.Request(number: request, head: head, branch: branch, opened: minute)
    opened.author = random.oneIn(5) ? "renovate[bot]" : ["ada", "bob"].randomElement(using: &random) ?? "ada"
    opened.isDraft = random.oneIn(4)
    if random.oneIn(2) { opened.issue = repositories[current].issues.randomElement(using: &random) }
    world.open(opened)
    repositories[current].open.append(opened)
    if random.oneIn(4) { deploy(head, to: "preview") }
  }

  private mutating func work() {
    guard let index = repositories[current].open.indices.randomElement(using: &random) else { return }
    var request = repositories[current].open[index]
    switch Int.random(in: 0...6, using: &random) {
    case 0, 1:
      let head = commit("h")
      world.push(request.branch, at: minute, from: request.head, to: head)
      request.head = head
      world.synchronize(request, at: minute)
    case 2: world.review(request, by: "eve", "changes_requested", at: minute)
    case 3: world.review(request, by: "eve", "approved", at: minute)
    case 4:
      request.isDraft.toggle()
      world.setDraft(request, request.isDraft, at: minute)
    case 5:
      // The request is for another issue.
      request.issue = repositories[current].issues.randomElement(using: &random)
      world.comment(request, by: "kim", at: minute)
    default:
      world.close(request, at: minute)
      world.reopen(request, at: minute + 0.5)
    }
    repositories[current].open[index] = request
  }

  private mutating func mergeRequest() {
    guard let index = repositories[current].open.indices.randomElement(using: &random) else { return }
    let request = repositories[current].open.remove(at: index)
    let old = main
    let services = repositories[current].services.compactMap { $0 }
    let touched = services.isEmpty || random.oneIn(3) ? nil : [services.randomElement(using: &random) ?? ""]
    switch Int.random(in: 0...3, using: &random) {
    case 0:
      let merge = commit("m")
      world.merge(request, as: merge, at: minute)
      world.push("main", at: minute, from: old, to: merge, [request.head, merge], services: touched)
      repositories[current].main.append(merge)
    case 1:
      world.merge(request, as: nil, at: minute)
      world.push("main", at: minute, from: old, to: request.head, [request.head], services: touched)
      repositories[current].main.append(request.head)
    case 2 where random.oneIn(3):
      world.close(request, at: minute)
      return
    default:
      let squash = commit("s")
      world.merge(request, as: squash, at: minute)
      world.push("main", at: minute, from: old, to: squash, services: touched)
      repositories[current].main.append(squash)
    }
    repositories[current].merged.append(request)
    // A remark after the merge changes nothing for the deploys.
    if random.oneIn(4) { world.comment(request, by: "eve", at: minute + 300) }
  }

  private mutating func pushDirectly() {
    let (first, last) = (commit("d"), commit("d"))
    world.push("main", at: minute, from: main, to: last, [first, last])
    repositories[current].main.append(last)
  }

  private mutating func deploy() {
    let isOlder = random.oneIn(4)
    deploy(isOlder ? repositories[current].main.suffix(4).randomElement(using: &random) ?? main : main, to: nil)
  }

  private mutating func deploy(_ commit: String, to environment: String?) {
    number += 1
    let environment = environment ?? ["eu", "us"].randomElement(using: &random) ?? "eu"
    let outcome: Outcome? = random.oneIn(6) ? [.failure, .cancellation, nil].randomElement(using: &random) ?? nil : .success
    world.deploy(
      "\(number)", of: commit, at: minute + deployClock, to: environment,
      service: repositories[current].services.randomElement(using: &random) ?? nil,
      takes: Double(Int.random(in: 2...60, using: &random)), outcome)
  }

  private mutating func issue() {
    number += 1
    let issue = random.oneIn(2) ? repositories[current].issues.randomElement(using: &random) : nil
    let type = [nil, "Bug", "Story"].randomElement(using: &random) ?? nil
    if issue == nil { repositories[current].issues.append("\(number)") }
    world.issue(
      issue ?? "\(number)", at: minute, created: issue == nil ? minute : 5, type: type,
      status: ["To do", "Doing"].randomElement(using: &random), isIncident: random.oneIn(8),
      closed: random.oneIn(4) ? .completed : nil)
  }

  private mutating func incident() {
    number += 1
    world.issue("\(number)", at: minute, created: minute, type: nil, isIncident: true)
    if random.oneIn(2) {
      world.issue("\(number)", at: minute + 30, created: minute, type: nil, isIncident: true, closed: .completed)
    }
  }

  private mutating func run() {
    number += 1
    let commit = repositories[current].open.randomElement(using: &random)?.head ?? main
    let id = "\(number)"
    let outcome: Outcome? = [.success, .failure, nil].randomElement(using: &random) ?? nil
    world.run(id, of: commit, at: minute, nil)
    for job in 1...2 { world.job("\(number)\(job)", in: id, of: commit, at: minute + 1, random.oneIn(3) ? .failure : .success) }
    if outcome != nil { world.run(id, of: commit, at: minute, outcome) }
  }

  private mutating func revert() {
    guard let original = repositories[current].merged.randomElement(using: &random) else { return }
    number += 1
    let head = commit("h")
    let request = FactWorld.Request(
      number: number, head: head, branch: "revert-\(original.number)-\(original.branch)", title: "Revert \"\(original.title)\"",
      opened: minute)
    world.open(request)
    repositories[current].open.append(request)
  }
}

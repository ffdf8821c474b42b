//! Two legs of a call whose records reach two executions of the function nearly at once: each
//! process adds its URLs to the attributes that both share, and none is lost.

use super::*;

/// Milliseconds between the records of two legs.
const SPACINGS: [u64; 3] = [20, 50, 200];
/// How long Connect takes for a read of attributes, and for a write, in milliseconds: as long
/// as a call of an AWS service over the network. A leg that reads while another one's write is
/// under way does not see what that one writes.
const READ: u64 = 50;
const WRITE: u64 = 150;

/// What the record of the first leg says of the second one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    /// It names it: the first leg reads its URLs back.
    Named,
    /// It does not: the first leg writes, and does not look again.
    NotNamed,
}

/// A call of two legs, and how far apart their records come.
struct Race {
    call: SynthCall,
    spacing: u64,
}

impl Race {
    fn new(at: usize, spacing: u64) -> Self {
        Self {
            call: SynthCall {
                millis: 4_000,
                contact: format!("{at:08}-first"),
                ..SynthCall::default()
            },
            spacing,
        }
    }

    fn second(&self) -> String {
        self.call.contact.replace("first", "second")
    }

    /// The legs' events: the second goes on where the first one stopped.
    fn events(&self, next: Next) -> [Value; 2] {
        let numbers: Vec<_> = self.call.fragments().map(|made| made.number).collect();
        let mut first = self.call.contact_record(&self.call.contact);
        let mut second = first.clone();
        first["Recordings"][0]["FragmentStopNumber"] = json!(numbers[1]);
        if next == Next::Named {
            first["NextContactId"] = json!(self.second());
        }
        second["ContactId"] = json!(self.second());
        second["InitialContactId"] = json!(self.call.contact);
        second["PreviousContactId"] = json!(self.call.contact);
        second["Recordings"][0]["FragmentStartNumber"] = json!(numbers[2]);
        [first, second].map(|record| event_of(record.to_string().as_bytes(), SystemTime::now()))
    }
}

/// What became of the calls of one spacing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Came {
    calls: usize,
    /// Calls in which a leg found that its URLs were gone, and wrote them again.
    met: usize,
    /// URLs of files that stand on no contact, of six a call.
    lost: usize,
}

/// So many calls of each spacing, worked by pairs of executions side by side. An execution
/// works one event after the other, as in Lambda.
async fn race(calls: usize, pairs: usize, next: Next) -> [Came; 3] {
    let folder = tempfile::tempdir().unwrap();
    let races: Vec<_> = (0..calls * SPACINGS.len())
        .map(|at| Race::new(at, SPACINGS[at % SPACINGS.len()]))
        .collect();
    for Race { call, .. } in &races {
        put_stream(folder.path().join("streams").join(&call.contact), call);
    }
    // As many as Connect allows, so that no leg waits for its turn.
    let world = World::over(folder, &[("CONNECT_CALLS_PER_SECOND", "10")]).await;
    world.faults(vec![
        Rule::always("GetContactAttributes", Effect::DelayMs(READ)),
        Rule::always("UpdateContactAttributes", Effect::DelayMs(WRITE)),
    ]);
    let waiting = std::sync::Mutex::new(races.iter());
    let work = (0..pairs).map(|pair| {
        let (world, waiting) = (&world, &waiting);
        async move {
            let mut one = world.another(&format!("first-{pair}.log")).await;
            let mut two = world.another(&format!("second-{pair}.log")).await;
            loop {
                let Some(race) = waiting.lock().unwrap().next() else {
                    return;
                };
                let [first, second] = race.events(next);
                let later = async {
                    tokio::time::sleep(Duration::from_millis(race.spacing)).await;
                    two.invoke(second).await
                };
                let handed_back = tokio::join!(one.invoke(first), later);
                assert_eq!(handed_back, (none(), none()), "{}", race.call.contact);
            }
        }
    });
    futures_util::future::join_all(work).await;
    SPACINGS.map(|spacing| came(&world, races.iter().filter(|race| race.spacing == spacing)))
}

fn came<'a>(world: &World, races: impl Iterator<Item = &'a Race>) -> Came {
    let (objects, calls) = (world.objects(), world.sandbox.calls().calls);
    let mut came = Came::default();
    for race in races {
        let contact = &race.call.contact;
        let noted = world.attributes(contact);
        let noted: Vec<_> = noted.values().flat_map(|urls| urls.split(", ")).collect();
        let legs = [contact.clone(), race.second()];
        let files = objects.keys().filter(|key| key.ends_with(".wav"));
        let files = files.filter(|key| legs.iter().any(|leg| key.contains(leg.as_str())));
        let urls: Vec<_> = files.map(|key| format!("https://{DOMAIN}/{key}")).collect();
        assert_eq!(urls.len(), 6, "three files a leg: {urls:?}");
        let lost = urls.iter().filter(|url| !noted.contains(&url.as_str()));
        let writes = calls
            .iter()
            .filter(|call| call.operation == "UpdateContactAttributes" && call.subject == *contact);
        came.calls += 1;
        came.lost += lost.count();
        came.met += usize::from(writes.count() > 2);
    }
    came
}

#[tokio::test(flavor = "multi_thread")]
async fn two_executions_lose_no_url_of_two_legs() {
    let came = race(10, 10, Next::Named).await;
    assert_eq!(came.map(|came| came.calls), [10; 3]);
    assert_eq!(came.map(|came| came.lost), [0; 3], "{came:?}");
    // Legs that never meet would prove nothing.
    assert!(came.iter().any(|came| came.met > 0), "{came:?}");
}

/// The same with 200 calls a spacing, and what is lost where one of the legs does not look
/// again. It takes about ten minutes:
///
/// `cargo test --all-features --test edges two_hundred -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes about ten minutes"]
async fn two_hundred_calls_of_each_spacing_lose_no_url() {
    for next in [Next::NotNamed, Next::Named] {
        let all = race(200, 16, next).await;
        for (spacing, came) in SPACINGS.iter().zip(&all) {
            let Came { calls, met, lost } = came;
            eprintln!(
                "{next:?}, {spacing} ms: {calls} calls, {met} written again, {lost} of {} URLs lost",
                calls * 6
            );
        }
        let lost: usize = all.iter().map(|came| came.lost).sum();
        assert_eq!(lost == 0, next == Next::Named, "{all:?}");
    }
}

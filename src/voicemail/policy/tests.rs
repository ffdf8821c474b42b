use super::*;
use crate::voicemail::recipient::{Queue, User};

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

fn policy() -> Policy {
    Policy {
        instance: None,
        queue_arn: None,
        mode: Mode::GuidedTask,
        task_flow: Some("task-flow".into()),
        guided_task_flow: Some("guided-flow".into()),
        email_from: "from@deployment.example".parse().ok(),
        email_to: "all@deployment.example".parse().ok(),
        email_domains: Vec::new(),
        agent_address: AgentAddress::Email,
        email_style: EmailStyle::Attachment,
        queue_template: Some("queue-template".into()),
        agent_template: Some("agent-template".into()),
        summary: false,
        transcript_bytes: TRANSCRIPT_BYTES,
        zone: Zone::UTC,
        task_link: Duration::from_secs(86_400),
        email_link: Duration::from_secs(86_400),
        pages: None,
        recordings: "s3://b/".into(),
    }
}

fn told(way: Option<Way>) -> String {
    match way {
        None => "none".to_owned(),
        Some(Way::Task { flow }) => format!("task in {flow}"),
        Some(Way::GuidedTask { flow }) => format!("guide in {flow}"),
        Some(Way::Email(EmailWay { from, to, template })) => {
            format!(
                "mail {from} > {to} by {}",
                template.as_deref().unwrap_or("hand")
            )
        }
    }
}

#[test]
fn a_mode_that_cannot_work_is_not_chosen() {
    #[track_caller]
    fn check(policy: &Policy, set: &[(&str, &str)], expected: &str, odd: &[&str]) {
        let chosen = policy.way(&attributes(set), &Recipient::default());
        assert_eq!(told(chosen.way), expected);
        assert_eq!(chosen.oddities, odd);
    }
    let all = policy();
    check(&all, &[], "guide in guided-flow", &[]);
    check(&all, &[("vmx3_mode", "")], "guide in guided-flow", &[]);
    check(&all, &[("vmx3_mode", "task")], "task in task-flow", &[]);
    check(
        &all,
        &[("vmx3_mode", "email")],
        "mail from@deployment.example > all@deployment.example by hand",
        &[],
    );
    check(
        &all,
        &[("vmx3_mode", "fax")],
        "guide in guided-flow",
        &["vmx3_mode names no mode"],
    );
    let arn = "arn:aws:connect:r:1:instance/i/contact-flow/own";
    check(
        &all,
        &[("vmx3_mode", "task"), ("vmx3_task_flow", arn)],
        "task in own",
        &[],
    );
    check(
        &all,
        &[("vmx3_mode", "task"), ("vmx3_task_flow", " ")],
        "task in task-flow",
        &[],
    );
    let tasks = Policy {
        guided_task_flow: None,
        email_from: None,
        ..policy()
    };
    let instead = "guided_task: not set up, or nobody to send to; task in its place";
    check(&tasks, &[], "task in task-flow", &[instead]);
    let instead = "email and guided_task: not set up, or nobody to send to; task in its place";
    check(
        &tasks,
        &[("vmx3_mode", "email")],
        "task in task-flow",
        &[instead],
    );
    check(
        &tasks,
        &[("vmx3_guided_task_flow", "own")],
        "guide in own",
        &[],
    );
    let nothing = Policy {
        task_flow: None,
        ..tasks
    };
    check(&nothing, &[], "none", &[]);
}

#[test]
fn a_mail_goes_to_the_first_address_that_is_one() {
    let user = User {
        username: "jo@users.example".into(),
        email: Some("jo@mail.example".into()),
        secondary_email: Some("not an address".into()),
        ..User::default()
    };
    let queue = Queue {
        tags: attributes(&[(QUEUE_EMAIL_TAG, "sales@queue.example")]),
        ..Queue::default()
    };
    let of_queue = Recipient {
        queue: Some(queue),
        ..Recipient::default()
    };
    let of_agent = Recipient {
        is_agent: true,
        user: Some(user),
        ..of_queue.clone()
    };
    let to = |policy: &Policy, set: &[(&str, &str)], recipient: &Recipient| {
        let mut set = attributes(set);
        set.insert("vmx3_mode".into(), "email".into());
        match policy.way(&set, recipient).way {
            Some(Way::Email(way)) => way.to.to_string(),
            other => told(other),
        }
    };
    let all = policy();
    let own = [
        ("vmx3_email_to", "own@flow.example"),
        ("email_to", "old@flow.example"),
    ];
    assert_eq!(to(&all, &own, &of_agent), "own@flow.example");
    assert_eq!(to(&all, &own[1..], &of_agent), "old@flow.example");
    assert_eq!(to(&all, &[], &of_agent), "jo@mail.example");
    assert_eq!(to(&all, &[], &of_queue), "sales@queue.example");
    assert_eq!(
        to(&all, &[("vmx3_email_to", "nobody")], &of_queue),
        "sales@queue.example"
    );
    assert_eq!(
        to(&all, &[], &Recipient::default()),
        "all@deployment.example"
    );
    let by = |agent_address| Policy {
        agent_address,
        ..policy()
    };
    assert_eq!(
        to(&by(AgentAddress::Username), &[], &of_agent),
        "jo@users.example"
    );
    assert_eq!(
        to(&by(AgentAddress::SecondaryEmail), &[], &of_agent),
        "all@deployment.example"
    );
    let allowed = Policy {
        email_domains: vec!["queue.example".into()],
        ..policy()
    };
    assert_eq!(to(&allowed, &own, &of_queue), "all@deployment.example");
    assert_eq!(to(&allowed, &[], &of_queue), "sales@queue.example");
    let injected = [("vmx3_email_to", "a@b.example\r\nBcc: evil@example.com")];
    assert_eq!(
        to(&all, &injected, &Recipient::default()),
        "all@deployment.example"
    );
}

#[test]
fn a_template_is_used_where_one_is_named_or_set() {
    let template = |policy: &Policy, set: &[(&str, &str)], is_agent: bool| {
        let mut set = attributes(set);
        set.insert("vmx3_mode".into(), "email".into());
        let recipient = Recipient {
            is_agent,
            user: is_agent.then(User::default),
            queue: None,
        };
        match policy.way(&set, &recipient).way {
            Some(Way::Email(way)) => way.template.map(String::from),
            other => Some(told(other)),
        }
    };
    let own = [("vmx3_email_template", "own")];
    assert_eq!(template(&policy(), &[], false), None);
    assert_eq!(template(&policy(), &own, false).as_deref(), Some("own"));
    let templates = Policy {
        email_style: EmailStyle::Template,
        ..policy()
    };
    assert_eq!(
        template(&templates, &[], false).as_deref(),
        Some("queue-template")
    );
    assert_eq!(
        template(&templates, &[], true).as_deref(),
        Some("agent-template")
    );
    assert_eq!(template(&templates, &own, true).as_deref(), Some("own"));
}

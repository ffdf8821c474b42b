//! The function and its mappings.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{
    EnvironmentResponse, EventSourceMappingConfiguration, FunctionConfiguration,
};

use super::{Asked, NoDeployment, count, or_not_there, unknown};
use crate::aws::errors::{self, Refused};
use crate::doctor::facts::{Fact, Function, Mapping, Settings, Tags};
use crate::settings::recorder::Config;

/// What CloudFormation tags the functions of a stack with.
const STACK_TAG: &str = "aws:cloudformation:stack-name";
/// The settings that the recorder cannot do without.
const TELLING: [&str; 2] = ["RECORDINGS_BUCKET_NAME", "CLOUDFRONT_DOMAIN"];
/// Those that it has and no other function: of several that have [`TELLING`] it is the one
/// with any of them.
const ITS_OWN: [&str; 2] = ["PARKING_QUEUE_URL", "RETRY_QUEUE_URL"];

pub(super) struct Functions {
    client: Client,
    region: String,
}

impl Functions {
    pub(super) fn new(shared: &SdkConfig) -> Self {
        let region = shared.region().map(ToString::to_string);
        Self {
            client: Client::new(shared),
            region: region.unwrap_or_default(),
        }
    }

    /// The function asked for, or the only one that looks like Callreel's, by its name.
    pub(super) async fn find(
        &self,
        asked: &Asked,
    ) -> Result<(String, Fact<Option<Function>>), NoDeployment> {
        let name = match &asked.function {
            Some(name) => name.clone(),
            None => self.search(asked.stack.as_deref()).await?,
        };
        let request = self.client.get_function_configuration();
        let answered = request.function_name(&name).send().await;
        if let Err(error) = &answered {
            let (refused, cause) = errors::refused(error);
            let cure = match refused {
                Refused::Credentials => "give valid credentials, e.g. with --profile",
                Refused::Unavailable => "check network, --region and --endpoint-url",
                Refused::Denied | Refused::NotFound | Refused::Throttled | Refused::Otherwise => "",
            };
            if !cure.is_empty() {
                return Err(NoDeployment::Unreachable(
                    format!("function {name}: {cause}"),
                    cure.to_owned(),
                ));
            }
        }
        let answered = or_not_there("lambda:GetFunctionConfiguration", answered)
            .map(|answer| answer.map(|answer| self.function(&answer)));
        // By an ARN or a name alike, everything else is asked by the name.
        let short = name.split(":function:").last().unwrap_or(&name);
        let short = short.split(':').next().unwrap_or(short);
        Ok((short.to_owned(), answered))
    }

    /// The name of the only function of a stack, or of one nested in it, that has this handler:
    /// CloudFormation begins the names of both with the stack's.
    pub(super) async fn of_handler(
        &self,
        stack: &str,
        handler: &str,
    ) -> Result<String, NoDeployment> {
        let start = format!("{stack}-");
        let is_its = |function: &FunctionConfiguration| {
            let name = function.function_name().unwrap_or_default();
            function.handler() == Some(handler) && name.starts_with(&start)
        };
        let found = self.listed(is_its).await?.into_iter();
        let mut names: Vec<_> = found.filter_map(|it| it.function_name).collect();
        match names.len() {
            1 => Ok(names.remove(0)),
            0 => Err(NoDeployment::NoneFound {
                region: self.region.clone(),
                of: format!(" with the handler {handler} and belongs to the stack {stack}"),
            }),
            _ => Err(NoDeployment::SeveralFound(names.join(", "))),
        }
    }

    /// The functions of the region that are meant.
    async fn listed(
        &self,
        is_meant: impl Fn(&FunctionConfiguration) -> bool,
    ) -> Result<Vec<FunctionConfiguration>, NoDeployment> {
        let mut found = Vec::new();
        let mut pages = self.client.list_functions().into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                let (refused, cause) = errors::refused(&error);
                let cure = match refused {
                    Refused::Credentials => "give valid credentials, e.g. with --profile",
                    Refused::Unavailable => "check network, --region and --endpoint-url",
                    Refused::Denied
                    | Refused::NotFound
                    | Refused::Throttled
                    | Refused::Otherwise => {
                        "name the function with --function, or give credentials that may \
                         lambda:ListFunctions (--profile, --region)"
                    }
                };
                NoDeployment::Unreachable(
                    format!("functions cannot be listed: {cause}"),
                    cure.to_owned(),
                )
            })?;
            let page = page.functions.unwrap_or_default().into_iter();
            found.extend(page.filter(|it| is_meant(it)));
        }
        Ok(found)
    }

    /// The name of the only function that looks like Callreel's, of this stack or of any.
    pub(super) async fn search(&self, stack: Option<&str>) -> Result<String, NoDeployment> {
        let is_telling = |it: &FunctionConfiguration| sets(it, &TELLING) == TELLING.len();
        let mut of_stack = Vec::new();
        for function in self.listed(is_telling).await? {
            if self.is_of(stack, &function).await? {
                of_stack.push(function);
            }
        }
        if of_stack.iter().any(|it| sets(it, &ITS_OWN) > 0) {
            of_stack.retain(|it| sets(it, &ITS_OWN) > 0);
        }
        let names = of_stack.into_iter().filter_map(|it| it.function_name);
        let mut names: Vec<_> = names.collect();
        match names.len() {
            1 => Ok(names.remove(0)),
            0 => Err(NoDeployment::NoneFound {
                region: self.region.clone(),
                of: stack.map_or_else(String::new, |stack| {
                    format!(" and belongs to the stack {stack}")
                }),
            }),
            _ => Err(NoDeployment::SeveralFound(names.join(", "))),
        }
    }

    /// All that its environment holds.
    pub(super) async fn variables(
        &self,
        name: &str,
    ) -> Result<HashMap<String, String>, NoDeployment> {
        let request = self.client.get_function_configuration();
        let answered = request.function_name(name).send().await;
        let answered = answered.map_err(|error| {
            let (_, cause) = errors::refused(&error);
            NoDeployment::Unreachable(
                format!("function {name}: {cause}"),
                "run it again".to_owned(),
            )
        })?;
        let variables = answered.environment.and_then(|set| set.variables);
        Ok(variables.unwrap_or_default())
    }

    async fn is_of(
        &self,
        stack: Option<&str>,
        function: &FunctionConfiguration,
    ) -> Result<bool, NoDeployment> {
        let Some(stack) = stack else {
            return Ok(true);
        };
        let arn = function.function_arn().unwrap_or_default();
        let tags = self.client.list_tags().resource(arn).send().await;
        let tags = tags.map_err(|error| {
            let (_, cause) = errors::refused(&error);
            let cure = "name the function with --function, or allow lambda:ListTags";
            NoDeployment::Unreachable(format!("{arn}: its stack: {cause}"), cure.to_owned())
        })?;
        let tags = tags.tags.unwrap_or_default();
        Ok(tags.get(STACK_TAG).is_some_and(|of| of == stack))
    }

    fn function(&self, answer: &GetFunctionConfigurationOutput) -> Function {
        Function {
            arn: answer.function_arn().unwrap_or_default().to_owned(),
            role: answer.role().map(str::to_owned),
            state: answer.state().map(|state| state.as_str().to_owned()),
            last_update: answer
                .last_update_status()
                .map(|status| status.as_str().to_owned()),
            runtime: answer.runtime().map(|runtime| runtime.as_str().to_owned()),
            timeout_seconds: count(answer.timeout()),
            memory_mib: count(answer.memory_size()),
            log_group: answer
                .logging_config()
                .and_then(|config| config.log_group())
                .map_or_else(
                    || format!("/aws/lambda/{}", answer.function_name().unwrap_or_default()),
                    str::to_owned,
                ),
            settings: self.settings(answer.environment()),
        }
    }

    /// The environment as the function would read it; Lambda sets AWS_REGION itself.
    fn settings(&self, environment: Option<&EnvironmentResponse>) -> Result<Settings, String> {
        let variables = environment.and_then(EnvironmentResponse::variables);
        let config = Config::from_lookup(|name| match name {
            "AWS_REGION" => Some(self.region.clone()),
            _ => variables?.get(name).cloned(),
        });
        config.map(settings).map_err(|error| error.to_string())
    }

    pub(super) async fn mappings(&self, function: &str) -> Fact<Vec<Mapping>> {
        let request = self.client.list_event_source_mappings();
        let mut pages = request.function_name(function).into_paginator().send();
        let mut mappings = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unknown("lambda:ListEventSourceMappings", &error))?;
            let found = page.event_source_mappings.unwrap_or_default();
            mappings.extend(found.into_iter().map(mapping));
        }
        Ok(mappings)
    }
}

/// How many of these settings a function has.
fn sets(function: &FunctionConfiguration, names: &[&str]) -> usize {
    let variables = function
        .environment()
        .and_then(EnvironmentResponse::variables);
    let Some(variables) = variables else {
        return 0;
    };
    let set = names.iter().filter(|name| variables.contains_key(**name));
    set.count()
}

fn settings(config: Config) -> Settings {
    let domain = config.url_base.trim_start_matches("https://");
    let elsewhere = config.endpoint.map(|endpoint| {
        format!("ENDPOINT_URL is {endpoint}: all calls go there, with the role's session, and none to AWS")
    });
    Settings {
        domain: domain.trim_end_matches('/').to_owned(),
        bucket: config.bucket,
        key_prefix: config.key_prefix,
        region: config.region,
        parking_queue: config.parking_queue,
        kms_key: config.kms_key,
        tags: match config.object_tags.is_empty() {
            true => Tags::Without,
            false => Tags::With,
        },
        margin_seconds: config.deadline_margin.as_secs(),
        warnings: config.warnings.into_iter().chain(elsewhere).collect(),
    }
}

fn mapping(answer: EventSourceMappingConfiguration) -> Mapping {
    let kinds = answer.function_response_types.unwrap_or_default();
    let filters = answer.filter_criteria.and_then(|criteria| criteria.filters);
    let filters = filters.unwrap_or_default().into_iter();
    let destination = answer.destination_config;
    Mapping {
        id: answer.uuid.unwrap_or_default(),
        source_arn: answer.event_source_arn.unwrap_or_default(),
        state: answer.state.unwrap_or_default(),
        last_result: answer.last_processing_result,
        response_types: kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        bisect: answer.bisect_batch_on_function_error.unwrap_or(false),
        // -1 is for ever, and so is what was never set.
        attempts: answer.maximum_retry_attempts.and_then(finite),
        max_age_seconds: answer.maximum_record_age_in_seconds.and_then(finite),
        failure_destination: destination
            .and_then(|destination| destination.on_failure)
            .and_then(|failure| failure.destination)
            .filter(|destination| !destination.is_empty()),
        starting_position: answer
            .starting_position
            .map(|position| position.as_str().to_owned()),
        filters: filters.filter_map(|filter| filter.pattern).collect(),
    }
}

fn finite(number: i32) -> Option<u32> {
    u32::try_from(number).ok()
}

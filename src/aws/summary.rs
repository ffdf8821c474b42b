//! Bedrock's Converse: one question, one answer, in bounded time. A summary is worth little: it
//! is asked for twice at the most, and whatever fails costs the summary alone.

use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Builder;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message,
};
use tokio::time::timeout;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure};
use crate::failure::{Failure, FailureKind};
use crate::port::voicemail::Summariser;
use crate::voicemail::summary::Prompt;

/// A model of Bedrock's.
#[derive(Debug)]
pub struct BedrockSummaries {
    client: Client,
    model: String,
}

impl BedrockSummaries {
    /// A model, or an inference profile, by its id, in a region of its own or the shared one.
    pub fn new(shared: &SdkConfig, model: &str, region: Option<&str>) -> Self {
        let mut config = Builder::from(&Trying::SUMMARY.on(shared)).interceptor(CheckAnswers);
        if let Some(region) = region {
            config = config.region(Region::new(region.to_owned()));
        }
        Self {
            client: Client::from_conf(config.build()),
            model: model.to_owned(),
        }
    }

    fn failed(&self, cause: impl std::fmt::Display) -> Failure {
        Failure::new(FailureKind::Unavailable, self.subject(), cause)
    }

    fn subject(&self) -> String {
        format!("the model {}", self.model)
    }
}

impl Summariser for BedrockSummaries {
    async fn summarise(&self, prompt: &Prompt) -> Result<String, Failure> {
        let message = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text(prompt.instruction.clone()))
            .content(ContentBlock::Text(prompt.transcript.clone()))
            .build()
            .map_err(|error| self.failed(error))?;
        let inference = InferenceConfiguration::builder()
            .max_tokens(Prompt::MAX_TOKENS)
            .temperature(Prompt::TEMPERATURE)
            .top_p(Prompt::TOP_P)
            .build();
        let request = self.client.converse().model_id(&self.model);
        let request = request.messages(message).inference_config(inference);
        let most: Duration = Prompt::MAX_TIME;
        let answer = timeout(most, request.send()).await;
        let answer =
            answer.map_err(|_| self.failed(format!("Converse took more than {most:?}")))?;
        let answer = answer.map_err(|error| failure(Call::Converse, self.subject(), &error))?;
        let message = answer
            .output
            .as_ref()
            .and_then(|output| output.as_message().ok());
        let blocks = message.map(|message| message.content()).unwrap_or_default();
        let text = blocks.iter().find_map(|block| block.as_text().ok());
        text.cloned()
            .ok_or_else(|| self.failed("Converse gave no text"))
    }
}

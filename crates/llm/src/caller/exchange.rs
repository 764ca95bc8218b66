//! The body out, the frames of the answer in.
//!
//! A server that is busy sends nothing, not even headers, until it is our turn; so one time limit covers everything
//! up to the first byte, and another the gaps after it. An answer counts only with its last frame: an orderly end of
//! the connection before it is a cut.

use std::time::Instant;

use bytes::Bytes;
use reqwest::{Method, Response};

use super::chat::first_byte;
use super::{Asked, Caller, Framing, Protocol, Trouble};
use crate::answer::Answer;
use crate::caller::Dialect;
use crate::frames::{Events, FrameError, Lines};
use crate::{Done, LlmError, TimeLimit};

/// The frames of one answer.
enum Frames {
    Lines(Lines),
    Events(Events),
}

impl Frames {
    fn of(framing: Framing) -> Self {
        match framing {
            Framing::Lines => Self::Lines(Lines::default()),
            Framing::Events => Self::Events(Events::default()),
        }
    }

    fn push(&mut self, chunk: &[u8]) {
        match self {
            Self::Lines(lines) => lines.push(chunk),
            Self::Events(events) => events.push(chunk),
        }
    }

    fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::Lines(lines) => lines.next_line(),
            Self::Events(events) => events.next_event(),
        }
    }

    /// What stands after the last whole frame once nothing more comes, unless it is only the beginning of one.
    fn rest(&self) -> Option<Bytes> {
        match self {
            Self::Lines(lines) => lines.rest(),
            Self::Events(events) => events.rest(),
        }
    }
}

impl Caller {
    /// Asks and reads.
    pub(super) async fn exchange(
        &self,
        protocol: &dyn Protocol,
        asked: Asked<'_>,
        body: &serde_json::Value,
        answer: &mut Answer<'_>,
    ) -> Result<Done, LlmError> {
        let sent = Instant::now();
        let limit = first_byte(self);
        let opening = async {
            let mut response = self
                .send(Method::POST, protocol.path(), asked, Some(body))
                .await?;
            let first = self.chunk(&mut response).await?;
            Ok((response, first))
        };
        let (response, first) = tokio::time::timeout(limit, opening)
            .await
            .unwrap_or_else(|_| Err(self.too_slow(TimeLimit::FirstByte, limit)))?;
        let mut reading = Reading {
            caller: self,
            asked,
            frames: Frames::of(protocol.framing()),
            dialect: protocol.dialect(),
        };
        let mut done = reading.read(response, first, answer).await?;
        // Where the server does not say what it took, we say what we saw.
        if done.times.total.is_zero() {
            done.times.total = sent.elapsed();
        }
        if let Some(begun) = answer.begun
            && done.times.output.is_zero()
        {
            done.times.output = begun.elapsed();
        }
        Ok(done)
    }
}

/// One answer on its way.
struct Reading<'r> {
    caller: &'r Caller,
    asked: Asked<'r>,
    frames: Frames,
    dialect: Box<dyn Dialect>,
}

impl Reading<'_> {
    /// Reads frames up to the last one.
    async fn read(
        &mut self,
        mut response: Response,
        first: Option<Bytes>,
        answer: &mut Answer<'_>,
    ) -> Result<Done, LlmError> {
        let idle = self.caller.lane.timeouts.idle.0;
        let mut chunk = first;
        while let Some(bytes) = chunk {
            self.frames.push(&bytes);
            while let Some(frame) = self.next_frame(&bytes)? {
                let taken = self.dialect.take(&frame, answer);
                if let Some(done) = taken.map_err(|trouble| self.trouble(trouble, &frame))? {
                    return Ok(done);
                }
            }
            chunk = tokio::time::timeout(idle, self.caller.chunk(&mut response))
                .await
                .unwrap_or_else(|_| Err(self.caller.too_slow(TimeLimit::Idle, idle)))?;
        }
        self.at_the_end(answer)
    }

    /// The connection has ended in order. The last frame may lack its end.
    fn at_the_end(&mut self, answer: &mut Answer<'_>) -> Result<Done, LlmError> {
        if let Some(rest) = self.frames.rest() {
            let taken = self.dialect.take(&rest, answer);
            if let Some(done) = taken.map_err(|trouble| self.trouble(trouble, &rest))? {
                return Ok(done);
            }
        }
        let ended = self.dialect.ended(answer);
        ended
            .map_err(|trouble| self.trouble(trouble, b""))?
            .ok_or_else(|| LlmError::CutShort {
                endpoint: self.caller.endpoint(),
                cause: None,
            })
    }

    fn next_frame(&mut self, bytes: &[u8]) -> Result<Option<Bytes>, LlmError> {
        self.frames.next_frame().map_err(|error| match error {
            FrameError::TooLong => self.caller.protocol("a line of bounded length", bytes),
            FrameError::NotAnEvent(line) => self.caller.protocol(self.dialect.expected(), &line),
        })
    }

    fn trouble(&self, trouble: Trouble, frame: &[u8]) -> LlmError {
        match trouble {
            Trouble::Protocol(expected) => self.caller.protocol(expected, frame),
            Trouble::Said(said) => self.caller.broke_off(self.asked, &said),
            Trouble::TooLong(limit) => LlmError::OutputTooLong {
                model: self.asked.model.to_owned(),
                limit,
            },
            Trouble::Declined(why) => LlmError::Declined {
                model: self.asked.model.to_owned(),
                why: self.caller.told(&why),
            },
        }
    }
}

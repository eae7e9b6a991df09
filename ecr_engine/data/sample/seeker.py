"""What seekers of the sample corpus say; templates of `grammar.say`."""

from __future__ import annotations

GREETINGS = (
    "[Hi|Hello|Hey|Hey there|Hi there][!|.|]",
    "[Good evening|Good morning|Good afternoon][!|.]",
    "[Hi|Hey], [how are you|how is it going|how are you doing] [today|tonight|]?",
    "[Hello|Hey], [nice to meet you|thanks for being here|hope you are well].",
)

SMALL_TALK = (
    ("It's raining [again|all day] here.", "Rainy days are made for movies!"),
    ("We got two feet of snow [today|last night].", "Snow outside and a movie inside, perfect!"),
    ("It is [so hot|boiling] outside.", "Stay in the shade and drink some water!"),
    ("I'm waiting for my pizza.", "Mmm, pizza and a movie, I'm jealous!"),
    ("I am on my lunch break.", "Enjoy your lunch, you deserve it!"),
    ("I'm on the train home.", "Safe travels, I hope you get home soon!"),
    ("My cat is [on my lap|asleep on my keyboard].", "Aww, give your cat a cuddle from me!"),
    ("I just made [tea|cocoa].", "Ooh, that sounds so cozy!"),
    ("I have popcorn ready.", "Haha, I love people who come prepared!"),
    ("[What a long week|Finally the weekend].", "You made it, time to enjoy yourself!"),
    ("Sorry for my typing, I have a cast on my arm.", "No worries, I hope your arm heals fast!"),
    ("My neighbors are [mowing the lawn|having a party].", "Haha, turn the volume up then!"),
    ("I baked [cookies|a lemon cake] [today|this morning].", "Yum, I wish I could taste some!"),
    ("The laundry can wait tonight.", "I agree, laundry is never urgent!"),
)
"""What seekers mention in passing, and what a friendly recommender says to it."""

MOOD = (
    "I'm feeling {mood} [today|lately|tonight|right now|], {reason}.",
    "{reason} and I [feel|am feeling] {mood}.",
    "[To be honest|Honestly], I feel {mood} [because|since] {reason}.",
    "[I've been|I have been] feeling {mood} [all day|this week|lately]. {reason}.",
    "I feel {mood} [today|], you know, {reason}.",
)

MOOD_WISHES = (
    "I [want|need|would like] {one}, something {wish}.",
    "[Can you|Could you] [find|suggest|recommend] {one}, [maybe|] something {wish}?",
    "Something {wish} would be [nice|great|good], [{one} maybe|maybe one of those {many}].",
    "[I'm looking for|I could use|Do you know] something {wish}[.|, please.] I [like|love|enjoy] {many}.",
)
"""`{one}` is the wanted genre with its article, `{wish}` what the movie should do."""

WISHES = (
    (
        "[I'm looking for|I am looking for|I want to watch|I'd like to see] {one} [tonight|this weekend|with "
        "my {company}|]."
    ),
    "I [really like|usually watch|love|enjoy] {many}[.|, especially older ones.|, the newer the better.]",
    "[Can you|Could you|Would you] [recommend|suggest] [{one}|some {many}] [please|for tonight|]?",
    "[Any|Do you have any|Got any] good {many} [for me|you can recommend|to watch with my {company}]?",
    "I am in the mood for {one}[.|, maybe something by {director}.|, anything with {star} would be great.]",
)

ANSWERS = {
    "genre": (
        "[Mostly|I think] {many}.",
        "[Good question|Let me think|Hard to say].",
        "[I like all kinds|It depends on the day], but [mostly|often] {many}.",
    ),
    "mood": ("Something {wish}.", "[Not sure|I don't really know] yet.", "[Well|Hmm], maybe something {wish}."),
    "age": (
        "[Older ones|Something old|I prefer the classics].",
        "[New ones|Something recent|Nothing too old].",
        "[I don't mind|Either is fine|Both are fine].",
    ),
    "company": (
        "With my {company}.",
        "[Alone|Just me|By myself] [tonight|].",
        "My {company} will [join me|be there too|probably fall asleep halfway].",
    ),
    "people": (
        "I [like|love|admire] {star}.",
        "{director} [never disappoints|is a genius|makes great movies].",
        "[Nobody special|I never remember names].",
    ),
    "length": (
        "[Short|Under two hours], please.",
        "[I have all night|The longer the better|No rush at all].",
        "[Normal length|About two hours].",
    ),
}
"""Answers to the recommender's questions, by what was asked."""

COMPANY = (
    "kids",
    "sister",
    "brother",
    "wife",
    "husband",
    "roommates",
    "parents",
    "best friend",
    "girlfriend",
    "cousins",
)

PETS = ("cat", "dog", "parrot")

ALONE = ("lonely", "heartbroken")
"""Moods in which the company is a pet."""

FAVOURITES = (
    "I [loved|really liked|enjoyed|adored] {movie}[.|!|, it was so good.]",
    "My [favorite|all time favorite] is {movie}[.|, I have seen it ten times.|!]",
    "Something like {movie} [would be perfect|would be great|please].",
    "[The last one I saw was|I recently watched] {movie} and [I loved it|it was great|it was amazing].",
)

NOSTALGIC_FAVOURITES = (
    "{movie} [reminds me of|takes me back to] [my childhood|my grandparents|high school|growing up].",
    "I [grew up with|used to watch] {movie} [every summer|with my dad|as a kid|on an old tape].",
)

DISLIKES = (
    "[I don't like|I can't stand|I'm not a fan of|I never watch] {unwanted}[, though|, by the way|].",
    "[Please no|Just no|Nothing like] {unwanted}[.|, they bore me.|, I hate those.]",
    "I [did not like|hated|couldn't finish] {disliked}[.|, it was terrible.|, way too boring.]",
)

KEEN = (
    (
        "[I haven't seen that one|I have not seen it|Never saw it|No, not yet], [but it|and it|it] sounds "
        "[great|good|perfect|amazing][!|.]"
    ),
    "[Ooh|Oh|Wow|Nice], [that sounds|sounds] [interesting|fun|really good|like my kind of movie][!|.]",
    "[I've|I have] [been meaning to watch|always wanted to see|heard good things about] that[.|!]",
    "[Great idea|Good pick|Perfect], I [will|am going to] [watch it tonight|add it to my list|check it out][!|.]",
    "[Yes please|Sold|Count me in][!|.] I [love|like] {many} [like that|].",
)

SEEN_LIKED = (
    "[Yes|Yeah|Oh yes], I [loved|really liked|enjoyed] [it|that one][!|.|, such a great movie.]",
    "[I've|I have] seen [it|that] [twice|already|many times] and [I love it|it was amazing|it is wonderful].",
    (
        "[That's|That is] [one of my favorites|a classic|a great one][!|.] [Anything similar|What else do "
        "you have|Another one][?| please.]"
    ),
    "[I agree|True|Exactly], [that one is great|it is so good][,|. But] I have seen it [before|already].",
    "[Seen it|I saw it] [with my {company}|in the theater|last year] and we [loved it|had a blast|cried so much].",
)

SEEN_DISLIKED = (
    "I [saw|have seen] [it|that one] [and|but] I [didn't like it|hated it|found it boring|was disappointed].",
    "[Ugh|Hmm|Meh], [that one|it] was [too slow|so boring|a letdown|not for me].",
    "[Yes, but|Yeah,] [it put me to sleep|the ending made me angry|I walked out halfway].",
    "[Sorry|Honestly], I [did not enjoy|couldn't stand] [it|that one] [at all|].",
)

UNSURE = {
    "story": (
        "[Hmm|Oh|No], [what is it about|what's the story|what happens in it]?",
        "[I don't know that one|Never heard of it|I have not seen it]. What is it about?",
        "[Is it|Would you say it's] [any good|worth it|really good]? [Tell me more|I'm curious].",
    ),
    "cast": (
        "[Who is in it|Who stars in that|Who plays in it]?",
        "[No, I haven't|Not yet|Not sure]. [Who is in that one|Who plays the lead|Anyone I know in it]?",
    ),
    "maker": ("[Who directed it|Who made that one|Which director is that]?", "[Oh|Hmm], who is the director?"),
    "age": ("[When did it come out|Is it old|How old is it|Is that a new one]?",),
}
"""Questions about a suggestion, by what they ask for."""

REFUSALS = (
    (
        "[Hmm|Maybe not|I don't think so], [it's not really my thing|not what I'm looking for|I'm not in the "
        "mood for that]."
    ),
    (
        "[Not today|Not tonight|Maybe another time], [that's a bit too heavy for me|that sounds too long|I "
        "need something else]."
    ),
    "[I don't know|I'm not sure], [it doesn't sound like me|that sounds kind of dull|I would rather skip that one].",
)

CORRECTIONS = (
    "[No|Oh no|Sorry], I meant {one}, not {old_one}[.|!]",
    "[Wait|Actually|Hmm], [I changed my mind|let me correct that], I would [prefer|rather see] {one}.",
    "[Sorry|Oops], [my mistake|I wrote that wrong|I was not clear], I [wanted|meant] {many}.",
)

SURPRISES = (
    "[Wow|Oh wow|Really], I had no idea[!|.]",
    "[No way|Seriously], [I did not know that|that is news to me][!|.]",
)

MORE = (
    "[Do you have|Is there|Can you think of] [another one|one more|anything else]?",
    "[What else do you have|Anything else you would suggest|Any others like that]?",
    "[Maybe one more|Give me one more|I'd like a second option], [just in case|please|in case it's not streaming].",
)

THANKS = (
    "[Thank you|Thanks] [so much|a lot|very much] [for your help|for the suggestions|for listening|][!|.]",
    (
        "[I really appreciate it|You have been so helpful|You made my day|That was very kind of you][, thank "
        "you|, thanks][!|.]"
    ),
    "[Thanks|Thank you], [I feel better already|I can't wait to watch it|now I have a plan|you are the best][!|.]",
)

GOODBYES = (
    "[Bye|Goodbye|Bye bye|See you][!|.]",
    "[Have a|You have a] [great|nice|lovely|good] [day|night|evening|weekend][!|.]",
    "[Take care|Good night|Talk soon][!|.]",
    "[You too|Same to you][!|, bye!]",
)
